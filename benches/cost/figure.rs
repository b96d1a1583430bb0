//! A measured figure: many samples of one thing, and how a person reads it.

#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    Seconds,
    Bytes,
    Count,
    PerSecond,
}

#[derive(Clone, Default)]
pub struct Figure(Vec<f64>);

impl Figure {
    /// `None` where nothing was measured.
    pub fn of(mut samples: Vec<f64>) -> Option<Self> {
        samples.sort_by(f64::total_cmp);
        (!samples.is_empty()).then_some(Figure(samples))
    }

    pub fn at(&self, quantile: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * quantile).round() as usize]
    }

    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// The median, with the 10th and the 90th percentile if they differ.
    pub fn text(&self, unit: Unit) -> String {
        let [low, median, high] = [0.1, 0.5, 0.9].map(|quantile| show(self.at(quantile), unit));
        if low == high { median } else { format!("{median} ({low} to {high})") }
    }
}

pub fn show(value: f64, unit: Unit) -> String {
    let size = value.abs();
    let (value, unit) = match unit {
        Unit::Seconds if size < 1e-6 => (value * 1e9, " ns"),
        Unit::Seconds if size < 1e-3 => (value * 1e6, " µs"),
        Unit::Seconds if size < 1.0 => (value * 1e3, " ms"),
        Unit::Seconds => (value, " s"),
        Unit::Bytes if size < 1e6 => (value / 1e3, " kB"),
        Unit::Bytes => (value / 1e6, " MB"),
        Unit::Count => (value, ""),
        Unit::PerSecond => (value, "/s"),
    };
    if unit == " MB" {
        return format!("{value:.3}{unit}"); // sizes do not vary
    }
    if value == 0.0 || value.abs() >= 100.0 || (unit.is_empty() && value.fract() == 0.0) {
        format!("{value:.0}{unit}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}{unit}")
    } else {
        format!("{value:.2}{unit}")
    }
}
