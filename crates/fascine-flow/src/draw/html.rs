mod table;
mod troubles;

use super::canvas::Place;
use super::graph_svg::graph_svg;
use super::palette::STATUSES;
use super::timeline::timeline_svg;
use super::{escape, style, time};
use crate::{GraphView, Status};

impl GraphView {
    /// Writes one page with everything: a summary, what went wrong, the graph, the timeline and a table of the steps.
    ///
    /// The page needs no network and no scripts, and forbids both to itself: it opens from a file, can be mailed, and
    /// whatever a name or an error holds stays text. It is light or dark as the reader wants it, and can be printed.
    #[must_use]
    pub fn to_html(&self) -> String {
        let drawn = self.drawn();
        let title = escape::xml(&escape::short(self.title()));
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n\
             <meta charset=\"utf-8\"/>\n<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{title}</title>\n\
             <style>{}{PAGE}</style>\n</head>\n<body class=\"fascine\">\n<header><h1>{title}</h1>\n{}</header>\n<main>\n",
            style::rules(),
            summary(self)
        );
        page += &troubles::section(self);
        page += &section("graph", "Graph", &graph_svg(&drawn, Place::Page));
        if self.steps.iter().any(|step| step.started.is_some()) {
            page += &section("timeline", "Timeline", &timeline_svg(&drawn, Place::Page));
        }
        page += &table::section(&drawn);
        page + "</main>\n</body>\n</html>\n"
    }
}

/// The run in one line.
fn summary(view: &GraphView) -> String {
    let mut facts = vec![format!("{} steps", view.steps.len())];
    let with = |status| {
        view.steps
            .iter()
            .filter(move |step| step.status == Some(status))
            .count()
    };
    for status in STATUSES {
        if with(status) > 0 {
            facts.push(format!("{} {status}", with(status)));
        }
    }
    facts.extend(within(view));
    facts.extend(view.ending.iter().cloned());
    if let Some(wall) = view.wall {
        facts.push(format!("took {}", time::human(wall)));
        facts.push(format!("critical path {}", time::human(view.critical)));
    }
    format!(
        "<p class=\"quiet\">{}</p>\n",
        escape::xml(&facts.join(" · "))
    )
}

/// How many steps the steps ran, and how many of those failed.
fn within(view: &GraphView) -> Option<String> {
    let nested = || view.steps.iter().flat_map(|step| &step.nested);
    let failed = nested().filter(|step| step.status == Some(Status::Failed));
    match (nested().count(), failed.count()) {
        (0, _) => None,
        (count, 0) => Some(format!("{count} within them")),
        (count, failed) => Some(format!("{count} within them, {failed} failed")),
    }
}

/// A drawing that scrolls inside its own frame, by keyboard too.
fn section(id: &str, heading: &str, svg: &str) -> String {
    format!(
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n\
         <div class=\"frame rule\" tabindex=\"0\" role=\"region\" aria-labelledby=\"{id}\">\n{svg}</div>\n</section>\n"
    )
}

/// Nothing is loaded and nothing is run, whatever the page holds.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const PAGE: &str = "body{margin:0 auto;padding:24px;max-width:1400px;line-height:1.45;font-size:15px}\
    h1{font-size:24px;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:18px;margin:28px 0 8px}\
    h3{font-size:15px;margin:0 0 4px;overflow-wrap:anywhere}header p{margin:0}\
    .frame{overflow:auto;max-height:80vh;border:1px solid;border-radius:8px}.frame svg{display:block}\
    table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
    caption{text-align:left;padding-bottom:8px}\
    th,td{text-align:left;padding:6px 20px 6px 0;border-bottom:1px solid;vertical-align:top}\
    .fascine th,.fascine td{overflow-wrap:anywhere}td.count{text-align:right;white-space:nowrap}\
    th.count{text-align:right}tr.within th{font-weight:400}\
    .badge{display:inline-block;border:1px solid;border-radius:10px;padding:0 8px;font-size:13px}\
    .troubles{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(380px,100%),1fr));gap:8px}.trouble{border:1px solid;border-radius:8px;padding:12px 16px}\
    .trouble ol{margin:0;padding-left:20px}.trouble li{white-space:pre-wrap;overflow-wrap:anywhere}\
    @media print{.frame{max-height:none;overflow:visible;border:0}}";
