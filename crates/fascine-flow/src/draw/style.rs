use super::palette::{DARK, LIGHT, STATUSES, Theme};

/// The rules of all drawings, light and, where the reader wants it, dark. They apply to nothing outside of them.
pub(crate) fn rules() -> String {
    let dark = theme(&DARK);
    format!(
        "{SHAPE}{}@media (prefers-color-scheme:dark){{{dark}}}",
        theme(&LIGHT)
    )
}

/// Colours are said in full: not every program that shows SVG knows variables.
fn theme(theme: &Theme) -> String {
    let Theme {
        ground,
        text,
        quiet,
        rule,
        untaken,
        paint,
    } = theme;
    let plain = paint(None);
    let mut rules = format!(
        ".fascine{{background:{ground};color:{text}}}\
         .fascine text{{fill:{text}}}\
         .fascine .quiet{{fill:{quiet};color:{quiet}}}\
         .fascine .ground{{fill:{ground}}}\
         .fascine path.rule{{stroke:{rule}}}.fascine .rule{{border-color:{rule}}}\
         .fascine .edge{{stroke:{quiet}}}.fascine .head{{fill:{quiet}}}\
         .fascine .untaken>.edge{{stroke:{untaken}}}.fascine .untaken>.head{{fill:{untaken}}}\
         .fascine .critical>.edge{{stroke:{text}}}.fascine .critical>.head{{fill:{text}}}\
         .fascine .plain>.box{{fill:{};stroke:{}}}",
        plain.fill, plain.line
    );
    for status in STATUSES {
        let paint = paint(Some(status));
        rules += &format!(
            ".fascine .{status}>.box{{fill:{0};stroke:{1}}}.fascine .{status}>.bar{{fill:{1}}}\
             .fascine .badge.{status}{{background:{0};border-color:{1}}}",
            paint.fill, paint.line
        );
    }
    rules
}

const SHAPE: &str = ".fascine{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif}\
    .fascine text{font-size:13px;unicode-bidi:isolate}\
    .fascine .small{font-size:11px}\
    .fascine .title{font-size:16px;font-weight:600}\
    .fascine .box{stroke-width:1.25}\
    .fascine .skipped>.box,.fascine .aborted>.box,.fascine .pending>.box{stroke-dasharray:4 3}\
    .fascine .edge{fill:none;stroke-width:1.25}\
    .fascine .rule{stroke-width:1}\
    .fascine .conditional>.edge{stroke-dasharray:5 3}\
    .fascine .critical>.box,.fascine .critical>.edge{stroke-width:2.75}";
