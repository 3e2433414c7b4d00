//! JSON: one object, for programs. Its schema is published in `reports/schema/run.schema.json`.

use falken_harness::shrink::Size;
use serde_json::{Value, json};

use crate::{Failure, Format, Story, Summary, catalogue, damage, images, scene};

/// The version of the object. It grows when a field changes its meaning or goes away, not when one is added.
const VERSION: u32 = 1;

/// The format.
pub struct Json;

impl Format for Json {
    fn write(&self, s: &Summary) -> String {
        let invariants: Vec<Value> =
            s.invariants.iter().map(|i| json!({"id": i.id, "name": i.name, "evaluated": i.evaluated})).collect();
        let probes: Vec<Value> =
            s.probes.iter().map(|p| json!({"name": p.name, "hits": p.hits, "expected": p.expected})).collect();
        let report = json!({
            "version": VERSION,
            "scenario": s.scenario,
            "verdict": s.verdict(),
            "strategy": s.strategy,
            "planted": s.planted,
            "seed": s.seed,
            "runs": s.runs,
            "runs_asked": s.runs_asked,
            "interrupted": s.interrupted,
            "jobs": s.jobs,
            "actions": s.actions,
            "actions_per_second": s.rate().round(),
            "seconds": s.seconds,
            "commits": s.commits,
            "crashes": s.crashes,
            "hash": format!("{:#018x}", s.hash),
            "invariants": invariants,
            "probes": probes,
            "never_hit": s.never_hit.as_ref().map(catalogue::unreached),
            "damage": damage::json(&s.damage),
            "crash_images": s.images.as_ref().map(images::json),
            "notes": s.notes,
            "violation": s.failure.as_ref().map(failure),
        });
        let mut text = serde_json::to_string_pretty(&report).expect("a report has a JSON form");
        text.push('\n');
        text
    }
}

fn size(size: &Size) -> Value {
    json!({
        "actions": size.actions(),
        "switches": size.switches,
        "endings": size.endings,
        "faults": size.faults,
        "steps": size.steps,
        "connections": size.connections,
        "statements": size.statements,
    })
}

fn story(story: &Story) -> Value {
    let orders: Vec<Value> =
        story.orders.iter().map(|order| json!({"order": order.text, "note": order.note})).collect();
    json!({
        "programs": story.programs,
        "settings": story.settings,
        "orders": orders,
        "before": size(&story.before),
        "after": size(&story.after),
        "race": story.race,
        "replays": story.shrinking.map(|shrinking| shrinking.replays),
        "is_fixed_point": story.shrinking.map(|shrinking| shrinking.is_fixed_point),
        "certificate": story.certificate.map(|certificate| json!({
            "actions_max": certificate.actions_max,
            "faults_max": certificate.faults_max,
            "states": certificate.states,
            "finished": certificate.is_finished,
        })),
        "raw": story.raw,
    })
}

pub(crate) fn failure(f: &Failure) -> Value {
    let facts: Vec<Value> =
        f.violation.evidence.facts.iter().map(|fact| json!({"label": fact.label, "value": fact.value})).collect();
    let events: Vec<Value> = f
        .last_events
        .iter()
        .map(|t| json!({"step": t.step, "actor": format!("{:?}", t.event.actor), "what": t.event.kind.to_string()}))
        .collect();
    json!({
        "invariant": f.violation.invariant,
        "rule": f.violation.rule(),
        "step": f.violation.step,
        "summary": f.violation.evidence.summary,
        "evidence": facts,
        "seed": f.seed,
        "hash": format!("{:#018x}", f.hash),
        "repro": f.repro.as_ref().ok(),
        "replay": f.replay,
        "story": f.story.as_ref().map(story),
        "last_events": events,
        "scene": f.scene.as_ref().map(|state| {
            scene::lines(state).into_iter().map(|(who, told)| json!({"who": who, "told": told})).collect::<Vec<_>>()
        }),
    })
}
