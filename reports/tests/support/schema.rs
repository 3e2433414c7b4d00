//! Checks JSON against a JSON Schema, as far as the keywords of the published schemas go: an unknown keyword is an error, so
//! that nothing passes because nobody looked. A whole validator would bring fifty crates for this.

use serde_json::Value;

/// Keywords that say something to people only.
const SAID: [&str; 7] = ["$schema", "$defs", "title", "description", "format", "default", "minimum"];

/// Whether a value conforms.
///
/// # Errors
/// Says where it does not, and why.
pub fn check(schema: &Value, value: &Value) -> Result<(), String> {
    at(schema, schema, value, "")
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("there is no type {other}"),
    }
}

fn at(root: &Value, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let Value::Object(keywords) = schema else {
        return if *schema == Value::Bool(true) { Ok(()) } else { Err(format!("{path}: nothing is allowed here")) };
    };
    let fail = |why: String| Err(format!("{path}: {why}"));
    for (keyword, argument) in keywords {
        let list = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let conforming = || list.iter().filter(|one| at(root, one, value, path).is_ok()).count();
        match keyword.as_str() {
            said if SAID.contains(&said) => {}
            "$ref" => {
                let pointer = argument.as_str().expect("a reference is text").trim_start_matches('#');
                at(root, root.pointer(pointer).expect("it leads somewhere"), value, path)?;
            }
            "type" => {
                let kinds = if list.is_empty() { std::slice::from_ref(argument) } else { list };
                if !kinds.iter().any(|kind| is_a(kind.as_str().expect("a type has a name"), value)) {
                    return fail(format!("{value} is no {argument}"));
                }
            }
            "enum" if !list.contains(value) => return fail(format!("{value} is none of {argument}")),
            "const" if argument != value => return fail(format!("{value} is not {argument}")),
            "enum" | "const" => {}
            "anyOf" if conforming() == 0 => return fail(format!("{value} is nothing of {argument}")),
            "oneOf" if conforming() != 1 => return fail(format!("{value} is not one of {argument}")),
            "anyOf" | "oneOf" => {}
            "allOf" => list.iter().try_for_each(|one| at(root, one, value, path))?,
            "pattern" => {
                let text = value.as_str().unwrap_or_default();
                let digits = text.strip_prefix("0x").unwrap_or_default();
                assert_eq!(argument, "^0x[0-9a-f]{16}$", "the one pattern that is known here");
                if digits.len() != 16 || !digits.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')) {
                    return fail(format!("{value} does not look like {argument}"));
                }
            }
            "required" => {
                if let Some(missing) = list.iter().find(|name| value.get(name.as_str().unwrap_or_default()).is_none()) {
                    return fail(format!("{missing} is missing"));
                }
            }
            "additionalProperties" => {
                assert_eq!(argument, &Value::Bool(false));
                let known = &keywords["properties"];
                let unknown = value.as_object().and_then(|fields| fields.keys().find(|name| known.get(name).is_none()));
                if let Some(unknown) = unknown {
                    return fail(format!("{unknown} is unknown"));
                }
            }
            "properties" => {
                for (name, of) in argument.as_object().expect("properties by name") {
                    value.get(name).map_or(Ok(()), |field| at(root, of, field, &format!("{path}/{name}")))?;
                }
            }
            "items" => {
                let mut items = value.as_array().map(Vec::as_slice).unwrap_or_default().iter().enumerate();
                items.try_for_each(|(nth, item)| at(root, argument, item, &format!("{path}/{nth}")))?;
            }
            "prefixItems" => {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                for (nth, (of, item)) in list.iter().zip(items).enumerate() {
                    at(root, of, item, &format!("{path}/{nth}"))?;
                }
            }
            "minItems" if (value.as_array().map_or(0, Vec::len) as u64) < argument.as_u64().unwrap_or(0) => {
                return fail(format!("fewer than {argument} items"));
            }
            "maxItems" if value.as_array().map_or(0, Vec::len) as u64 > argument.as_u64().unwrap_or(u64::MAX) => {
                return fail(format!("more than {argument} items"));
            }
            "minItems" | "maxItems" => {}
            other => panic!("the keyword {other} is not known here"),
        }
    }
    Ok(())
}
