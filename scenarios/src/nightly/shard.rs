//! `--shard auto`: which part of the plan this machine makes, by what its engine says.

use super::plan::Shard;

/// An engine that starts many copies of one job, and how it tells them apart.
struct Engine {
    name: &'static str,
    /// The variable that holds the copy's number.
    number: &'static str,
    /// The variable that holds the number of the first copy; 0 if there is none.
    first: Option<&'static str>,
    /// The variable that holds how many copies there are.
    of: &'static str,
}

/// Every engine. GitHub and Kubernetes do not tell a copy how many there are, so the ready files set `FALKEN_SHARDS`.
const ENGINES: &[Engine] = &[
    Engine { name: "a matrix", number: "FALKEN_SHARD_INDEX", first: None, of: "FALKEN_SHARDS" },
    Engine { name: "a Kubernetes Indexed Job", number: "JOB_COMPLETION_INDEX", first: None, of: "FALKEN_SHARDS" },
    Engine {
        name: "a Slurm array",
        number: "SLURM_ARRAY_TASK_ID",
        first: Some("SLURM_ARRAY_TASK_MIN"),
        of: "SLURM_ARRAY_TASK_COUNT",
    },
];

/// Reads a shard: `K/N`, or `auto` for what the engine says in its variables.
///
/// # Errors
/// It is neither, or no engine says anything that makes sense.
pub fn read(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Shard, String> {
    if text != "auto" {
        return text.parse();
    }
    let Some(engine) = ENGINES.iter().find(|engine| variable(engine.number).is_some()) else {
        let known: Vec<String> = ENGINES.iter().map(|engine| format!("{} ({})", engine.number, engine.name)).collect();
        return Err(format!("--shard auto finds none of {}", known.join(", ")));
    };
    let number = |name: &str| {
        let value =
            variable(name).ok_or_else(|| format!("--shard auto: {} needs {name}, which is not set", engine.name))?;
        value.parse::<u64>().map_err(|_| format!("--shard auto: {name} is `{value}`, which is no number"))
    };
    let first = engine.first.map_or(Ok(0), number)?;
    let (index, of) = (number(engine.number)?, number(engine.of)?);
    match index.checked_sub(first) {
        Some(index) if index < of => Ok(Shard { number: index + 1, of }),
        _ => Err(format!("--shard auto: {} says copy {index} of {of}, the first being {first}", engine.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Shard, String> {
        read("auto", &|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn each_engine_numbers_its_copies_in_its_own_way() {
        let shard = |number, of| Ok(Shard { number, of });
        assert_eq!(with(&[("FALKEN_SHARD_INDEX", "0"), ("FALKEN_SHARDS", "4")]), shard(1, 4));
        assert_eq!(with(&[("JOB_COMPLETION_INDEX", "3"), ("FALKEN_SHARDS", "4")]), shard(4, 4));
        let slurm = [("SLURM_ARRAY_TASK_ID", "2"), ("SLURM_ARRAY_TASK_MIN", "1"), ("SLURM_ARRAY_TASK_COUNT", "3")];
        assert_eq!(with(&slurm), shard(2, 3));
        for (variables, says) in [
            (&[][..], "finds none of"),
            (&[("JOB_COMPLETION_INDEX", "1")][..], "needs FALKEN_SHARDS"),
            (&[("JOB_COMPLETION_INDEX", "x"), ("FALKEN_SHARDS", "2")][..], "no number"),
            (&[("JOB_COMPLETION_INDEX", "2"), ("FALKEN_SHARDS", "2")][..], "copy 2 of 2"),
        ] {
            let error = with(variables).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        assert_eq!(read("2/5", &|_| None), shard(2, 5));
    }
}
