//! The plot beside the table, as SVG: a dot for the median, and a line from the 10th to the 90th percentile, on a
//! logarithmic axis.

use crate::subject::NAMES;
use crate::table::Row;
use std::fmt::Write;

const LEFT: f64 = 150.0;
const WIDTH: f64 = 560.0;
const LINE: f64 = 20.0;
const COLOURS: [&str; 6] = ["#0a7d4f", "#b5482f", "#6a4fa3", "#2f6fb5", "#8a7a1f", "#777777"];

/// From 10 ns to 100 ms.
fn across(seconds: f64) -> f64 {
    LEFT + WIDTH * ((seconds.max(1e-8).log10() + 8.0) / 7.0).min(1.0)
}

pub fn svg(rows: &[&Row]) -> String {
    let mut body = String::new();
    let mut y = 30.0;
    for row in rows {
        let _ = writeln!(body, r#"<text x="10" y="{y}" font-weight="bold">{}</text>"#, row.what);
        y += LINE;
        let figures = row.figures.iter().zip(NAMES).zip(COLOURS);
        let floor = row.floors.iter().flatten().next();
        let floor = floor.map(|floor| (floor, "floor", COLOURS[5]));
        let all = floor
            .into_iter()
            .chain(figures.filter_map(|((figure, name), colour)| Some((figure.as_ref()?, name, colour))));
        for (figure, name, colour) in all {
            let [low, median, high] = [0.1, 0.5, 0.9].map(|quantile| across(figure.at(quantile)));
            let text = crate::figure::show(figure.median(), row.unit);
            let middle = y - 4.0;
            let _ = writeln!(
                body,
                r#"<text x="{:.1}" y="{y}" text-anchor="end">{name}</text>
<line x1="{low:.1}" x2="{high:.1}" y1="{middle}" y2="{middle}" stroke="{colour}" stroke-width="3"/>
<circle cx="{median:.1}" cy="{middle}" r="5" fill="{colour}"/><text x="{:.1}" y="{y}">{text}</text>"#,
                LEFT - 12.0,
                high.max(median) + 9.0
            );
            y += LINE;
        }
        y += 10.0;
    }
    let ticks = ["10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms"];
    let mut grid = String::new();
    for (at, tick) in ticks.iter().enumerate() {
        let x = LEFT + WIDTH * at as f64 / 7.0;
        let _ = writeln!(
            grid,
            r##"<line x1="{x:.1}" x2="{x:.1}" y1="34" y2="{y}" stroke="#dddddd"/>
<text x="{x:.1}" y="{:.1}" text-anchor="middle" fill="#555555">{tick}</text>"##,
            y + 16.0
        );
    }
    let (width, height) = (LEFT + WIDTH + 90.0, y + 30.0);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
  font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#ffffff"/>
{grid}{body}</svg>
"##
    )
}
