//! Dependency cycles as a drawing: transactions around a circle, and an arrow for each reason why one precedes another.

use std::f64::consts::{PI, TAU};
use std::fmt::Write;

use falken_harness::check::{Anomaly, Dependency, Edge, Evidence, Report, Verdict};
use falken_harness::history::History;

/// Width of the drawing, and of a transaction's box.
const WIDTH: f64 = 960.0;
const BOX: f64 = 250.0;
/// Height of a line of text.
const LINE: f64 = 16.0;
/// The most operations that a box lists.
const OPS_MAX: usize = 6;
/// The most cycles that are drawn: the worst come first.
const CYCLES_MAX: usize = 12;

/// Colours for a light and a dark page.
const STYLE: &str = "\
text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1c1d1f }
.title { font: 600 14px system-ui, sans-serif } .dim { fill: #565a61 }
.box { fill: #ffffff; stroke: #b9bcc2 } .back { fill: #f7f7f5 }
.edge { fill: none; stroke-width: 1.75 } .ww { stroke: #7a3fb8 } .wr { stroke: #0b62c4 } .rw { stroke: #c0262d } .order { stroke: #84888f; stroke-dasharray: 5 4 }
@media (prefers-color-scheme: dark) {
text { fill: #e7e8ea } .dim { fill: #a9adb5 } .box { fill: #1b1d20; stroke: #4b4f56 } .back { fill: #131416 }
.ww { stroke: #c79bff } .wr { stroke: #6cb0ff } .rw { stroke: #ff7a76 } .order { stroke: #7d828b }
}";

/// Draws the cycles of a report about this history; `None` if it has none.
pub fn svg(report: &Report, history: &History) -> Option<String> {
    let Verdict::Violation(anomalies) = &report.verdict else { return None };
    let mut body = String::new();
    let mut top = 0.0;
    let cycles = anomalies.iter().filter_map(|anomaly| match &anomaly.evidence {
        Evidence::Cycle(edges) => Some((anomaly, edges.as_slice())),
        Evidence::Operations(_) => None,
    });
    for (anomaly, edges) in cycles.take(CYCLES_MAX) {
        top += Drawing { report, history, anomaly, edges }.draw(&mut body, top);
    }
    (top > 0.0).then(|| {
        let arrow = "<marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" \
                     orient=\"auto-start-reverse\"><path d=\"M0,0 L10,5 L0,10 z\" fill=\"context-stroke\"/></marker>";
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{top}\" viewBox=\"0 0 {WIDTH} {top}\" \
             role=\"img\">\n<title>Dependency cycles</title>\n<style>\n{STYLE}\n</style>\n<defs>{arrow}</defs>\n\
             <rect class=\"back\" width=\"{WIDTH}\" height=\"{top}\"/>\n{body}</svg>\n"
        )
    })
}

/// Text in XML. Characters that XML cannot hold are left out.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// At most so many characters.
fn fit(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

struct Drawing<'a> {
    report: &'a Report,
    history: &'a History,
    anomaly: &'a Anomaly,
    edges: &'a [Edge],
}

/// A transaction's place.
struct Node {
    transaction: usize,
    x: f64,
    y: f64,
    height: f64,
}

impl Drawing<'_> {
    /// Draws one cycle and returns how high the drawing is.
    fn draw(&self, out: &mut String, top: f64) -> f64 {
        let members = self.anomaly.transactions();
        let radius = if members.len() <= 2 { 0.0 } else { 90.0 + 36.0 * members.len() as f64 };
        let height = 2.0 * radius + 260.0;
        let middle = top + 40.0 + (height - 40.0) / 2.0;
        let title = format!("{}: {}", self.anomaly.kind, self.anomaly.kind.gloss());
        let _ = writeln!(out, "<text class=\"title\" x=\"24\" y=\"{}\">{}</text>", top + 28.0, text(&title));
        let count = members.len() as f64;
        let place = |(at, &transaction): (usize, &usize)| {
            // The first one on the left, the others clockwise.
            let angle = PI + TAU * at as f64 / count;
            let x = WIDTH / 2.0 + angle.cos() * (WIDTH / 2.0 - BOX / 2.0 - 30.0);
            let ops = self.history.transactions[transaction].ops.len();
            let lines = ops.min(OPS_MAX) + usize::from(ops > OPS_MAX);
            Node { transaction, x, y: middle + angle.sin() * radius, height: LINE * (lines as f64 + 1.0) + 14.0 }
        };
        let nodes: Vec<Node> = members.iter().enumerate().map(place).collect();
        for edge in self.edges {
            let node = |transaction: usize| nodes.iter().find(|node| node.transaction == transaction);
            if let (Some(from), Some(to)) = (node(edge.from), node(edge.to)) {
                self.edge(out, edge, from, to);
            }
        }
        nodes.iter().for_each(|node| self.node(out, node));
        height
    }

    fn node(&self, out: &mut String, node: &Node) {
        let Node { transaction, x, y, height } = *node;
        let of = &self.history.transactions[transaction];
        let (left, top) = (x - BOX / 2.0, y - height / 2.0);
        let _ = writeln!(
            out,
            "<rect class=\"box\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{BOX}\" height=\"{height}\" rx=\"7\"/>"
        );
        let head = format!("T{transaction}  process {}, {}", of.process, of.outcome.name());
        let mut line = |nth: usize, class: &str, words: &str| {
            let y = top + LINE * (nth as f64 + 1.0) + 2.0;
            let words = text(&fit(words, 32));
            let _ = writeln!(out, "<text class=\"{class}\" x=\"{:.1}\" y=\"{y:.1}\">{words}</text>", left + 10.0);
        };
        line(0, "dim", &head);
        let rendered = self.report.render(self.history);
        of.ops.iter().take(OPS_MAX).enumerate().for_each(|(nth, op)| line(nth + 1, "", &rendered.op(op)));
        if of.ops.len() > OPS_MAX {
            line(OPS_MAX + 1, "dim", &format!("and {} more", of.ops.len() - OPS_MAX));
        }
    }

    /// An arrow that bends to its right, so that there and back do not lie on each other.
    fn edge(&self, out: &mut String, edge: &Edge, from: &Node, to: &Node) {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length = dx.hypot(dy).max(1.0);
        let bend = 70.0;
        let control = ((from.x + to.x) / 2.0 - dy / length * bend, (from.y + to.y) / 2.0 + dx / length * bend);
        let (start, end) = (border(from, control), border(to, control));
        let class = match edge.dependency {
            Dependency::WriteWrite => "ww",
            Dependency::WriteRead => "wr",
            Dependency::ReadWrite => "rw",
            Dependency::Process | Dependency::RealTime => "order",
        };
        let _ = writeln!(
            out,
            "<path class=\"edge {class}\" d=\"M{:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1}\" marker-end=\"url(#arrow)\"/>",
            start.0, start.1, control.0, control.1, end.0, end.1
        );
        let key = edge.key.map_or(String::new(), |key| format!(" on {}", self.history.names.show(key)));
        let label = format!("T{} {}{key} T{}", edge.from, edge.dependency.name(), edge.to);
        let (x, y) = ((start.0 + 2.0 * control.0 + end.0) / 4.0, (start.1 + 2.0 * control.1 + end.1) / 4.0 - 7.0);
        let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{}</text>", text(&label));
    }
}

/// Where the line from a box's middle to a point leaves the box.
fn border(node: &Node, (x, y): (f64, f64)) -> (f64, f64) {
    let (dx, dy) = (x - node.x, y - node.y);
    let (half_width, half_height) = (BOX / 2.0 + 3.0, node.height / 2.0 + 3.0);
    let scale = (half_width / dx.abs().max(1e-9)).min(half_height / dy.abs().max(1e-9));
    (node.x + dx * scale, node.y + dy * scale)
}

#[cfg(test)]
mod tests {
    use falken_harness::check;
    use falken_harness::history::edn;

    use super::*;

    fn drawn(history: &str) -> Option<String> {
        let history = edn::read(history).expect("a history");
        svg(&check::check(&history, "strong-serializable".parse().expect("a model")), &history)
    }

    /// Each reads what the other then writes: write skew.
    const SKEW: &str = "\
{:type :invoke, :process 0, :f :txn, :value [[:r \"x<&>\" nil] [:append \"y\" 1]]}
{:type :invoke, :process 1, :f :txn, :value [[:r \"y\" nil] [:append \"x<&>\" 1]]}
{:type :ok, :process 0, :f :txn, :value [[:r \"x<&>\" []] [:append \"y\" 1]]}
{:type :ok, :process 1, :f :txn, :value [[:r \"y\" []] [:append \"x<&>\" 1]]}
{:type :invoke, :process 2, :f :txn, :value [[:r \"x<&>\" nil] [:r \"y\" nil]]}
{:type :ok, :process 2, :f :txn, :value [[:r \"x<&>\" [1]] [:r \"y\" [1]]]}
";

    #[test]
    fn write_skew_is_two_boxes_and_two_arrows() {
        let drawing = drawn(SKEW).expect("a cycle");
        let count = |what: &str| drawing.matches(what).count();
        assert!(drawing.contains("G2-item: write skew"), "{drawing}");
        assert_eq!((count("class=\"box\""), count("class=\"edge rw\"")), (2, 2));
        assert!(drawing.contains("x&lt;&amp;&gt;") && !drawing.contains("x<&>"), "{drawing}");
    }

    #[test]
    fn a_history_without_a_cycle_has_no_drawing() {
        assert_eq!(drawn("{:type :invoke, :process 0, :f :txn, :value [[:append 1 1]]}\n"), None);
    }
}
