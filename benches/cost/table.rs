//! The table: one row for each question, its goals, the figures of all, and whether the goals were met.

use crate::child::Printed;
use crate::figure::{Figure, Unit, show};
use crate::subject;

pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
    TimesFloor(f64),
    BelowAll,
    AboveAll,
}

pub struct Row {
    pub what: &'static str,
    pub unit: Unit,
    pub goals: Vec<Goal>,
    /// In the order of `subject::NAMES`.
    pub figures: [Option<Figure>; 5],
    /// Measured in the same process as the figure.
    pub floors: [Option<Figure>; 5],
    pub floor: &'static str,
}

#[derive(Default)]
pub struct Table {
    pub rows: Vec<Row>,
}

impl Row {
    pub fn new(what: &'static str, unit: Unit, goals: Vec<Goal>) -> Self {
        Row { what, unit, goals, figures: Default::default(), floors: Default::default(), floor: "" }
    }

    pub fn figures(mut self, printed: &[Printed; 5], key: &str) -> Self {
        self.figures = std::array::from_fn(|at| printed[at].get(key).cloned().and_then(Figure::of));
        self
    }

    pub fn floors(mut self, printed: &[Printed; 5], key: &str) -> Self {
        self.floors = std::array::from_fn(|at| printed[at].get(key).cloned().and_then(Figure::of));
        self
    }

    pub fn floor_is(mut self, what: &'static str) -> Self {
        self.floor = what;
        self
    }

    /// How often the floor fits into the figure.
    pub fn ratio(&self, at: usize) -> Option<f64> {
        Some(self.figures[at].as_ref()?.median() / self.floors[at].as_ref()?.median())
    }

    fn goal(&self, goal: &Goal) -> Option<String> {
        Some(match goal {
            Goal::AtMost(most) if most.is_finite() => format!("≤ {}", show(*most, self.unit)),
            Goal::AtMost(_) => return None,
            Goal::AtLeast(least) => format!("≥ {}", show(*least, self.unit)),
            Goal::TimesFloor(times) => format!("≤ {times} × floor"),
            Goal::BelowAll => "below all".into(),
            Goal::AboveAll => "above all".into(),
        })
    }

    fn met(&self, goal: &Goal) -> Option<bool> {
        let ours = self.figures[0].as_ref()?.median();
        let mut others = self.figures[1..].iter().flatten().map(Figure::median);
        Some(match goal {
            Goal::AtMost(most) => ours <= *most,
            Goal::AtLeast(least) => ours >= *least,
            Goal::TimesFloor(times) => self.ratio(0)? <= *times,
            Goal::BelowAll => others.all(|other| ours < other),
            Goal::AboveAll => others.all(|other| ours > other),
        })
    }

    /// Empty if there is no goal, otherwise `met`, `MISSED` or `not measured`.
    pub fn verdict(&self) -> &'static str {
        match self.goals.iter().map(|goal| self.met(goal)).reduce(|all, met| Some(all? && met?)) {
            None => "",
            Some(Some(true)) => "met",
            Some(Some(false)) => "MISSED",
            Some(None) => "not measured",
        }
    }

    /// The ratio first: times differ by machine.
    fn cell(&self, at: usize) -> String {
        let Some(figure) = &self.figures[at] else { return "–".into() };
        let text = figure.text(self.unit);
        self.ratio(at).map_or(text.clone(), |ratio| format!("{ratio:.1} ×, {text}"))
    }

    fn cells(&self) -> Vec<String> {
        let goals: Vec<_> = self.goals.iter().filter_map(|goal| self.goal(goal)).collect();
        let floor = self
            .floors
            .iter()
            .flatten()
            .next()
            .map_or("–".into(), |floor| format!("{} {}", self.floor, floor.text(self.unit)));
        let mut cells = vec![self.what.into(), goals.join(", "), self.verdict().into()];
        cells.extend((0..subject::NAMES.len()).map(|at| self.cell(at)));
        cells.push(floor);
        cells
    }
}

impl Table {
    pub fn add(&mut self, row: Row) {
        eprintln!("   {}: {}", row.what, row.cell(0));
        self.rows.push(row);
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let mut head = vec!["what it costs".into(), "goal".into(), String::new()];
        head.extend(subject::NAMES.map(String::from));
        head.push("floor".into());
        std::iter::once(head).chain(self.rows.iter().map(Row::cells)).collect()
    }

    pub fn markdown(&self) -> String {
        let mut lines: Vec<_> = self.cells().iter().map(|cells| format!("| {} |\n", cells.join(" | "))).collect();
        lines.insert(1, format!("|{}\n", "---|".repeat(self.cells()[0].len())));
        lines.concat()
    }

    /// For a terminal: a block for each row, since a line would not fit.
    pub fn plain(&self) -> String {
        let cells = self.cells();
        let block = |row: &Vec<String>| {
            let mut text = format!("{:<46} {:<8} {}\n", row[0], row[2], row[1]);
            for (name, cell) in cells[0].iter().zip(row).skip(3).filter(|(_, cell)| *cell != "–") {
                text += &format!("    {name:<16} {cell}\n");
            }
            text
        };
        cells[1..].iter().map(block).collect()
    }
}
