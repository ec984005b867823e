//! Drawings of a [`GraphView`](crate::GraphView): text in, text out, nothing else.

mod dot;
mod graph_svg;
mod html;
mod mermaid;
mod timeline;
mod trace;

mod lanes;
mod layout;
mod legend;
mod rows;

mod canvas;
mod escape;
mod palette;
mod style;
mod text;
mod time;
