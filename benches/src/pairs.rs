//! What a figure is: the median of ratios, each of a pair of slots that ran in turn.
//!
//! A cloud disk changes its speed by an order of magnitude within a minute. So the disk is probed
//! around both slots of a pair; a pair during which it changed is dropped, and pairs of a slow and
//! of a fast disk make figures apart.

use std::fmt;

use crate::statistics::{median, range};

/// Probes of one pair may differ by this factor.
const PROBES_DIFFER_MAX: f64 = 2.0;

/// From so many `fdatasync` a second on, a disk counts as fast.
const FAST_DISK_PER_SECOND: f64 = 2_000.0;

/// How fast the disk was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// Below 2,000 `fdatasync` a second.
    Slow,
    /// The others.
    Fast,
}

/// Two slots that ran in turn, ours and the peer's, and how fast the disk was around them.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Our rate, or what else is compared.
    pub ours: f64,
    /// The peer's, in the same unit.
    pub peer: f64,
    /// `fdatasync` a second before, between and after the slots.
    pub probes: Vec<f64>,
}

impl Pair {
    /// Ours over the peer's.
    fn ratio(&self) -> f64 {
        self.ours / self.peer.max(f64::EPSILON)
    }

    /// Whether the disk kept its speed.
    fn is_steady(&self) -> bool {
        range(&self.probes).is_some_and(|(low, high)| high <= low * PROBES_DIFFER_MAX)
    }

    /// How fast the disk was.
    fn speed(&self) -> Speed {
        match median(&self.probes) {
            Some(rate) if rate >= FAST_DISK_PER_SECOND => Speed::Fast,
            _ => Speed::Slow,
        }
    }
}

/// The pairs of one figure, as they are taken.
#[derive(Debug, Clone)]
pub struct Series {
    /// The figure's name, without the disk's speed.
    name: String,
    /// How many pairs are wanted.
    wanted: usize,
    /// Those that count.
    kept: Vec<Pair>,
    /// How many were dropped because the disk changed its speed.
    dropped: usize,
}

impl Series {
    /// No pairs yet.
    pub fn new(name: impl Into<String>, wanted: u32) -> Self {
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        Self { name: name.into(), wanted, kept: Vec::new(), dropped: 0 }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether to take another pair: too few count, and not twice as many have been tried.
    pub fn wants_more(&self) -> bool {
        self.kept.len() < self.wanted && self.kept.len() + self.dropped < 2 * self.wanted
    }

    /// How many pairs have been tried.
    pub fn tried(&self) -> usize {
        self.kept.len() + self.dropped
    }

    /// Takes a pair, or drops it. Gives whether it counts.
    pub fn push(&mut self, pair: Pair) -> bool {
        let steady = pair.is_steady();
        if steady {
            self.kept.push(pair);
        } else {
            self.dropped += 1;
        }
        steady
    }

    /// The figures: one for each speed of the disk in which there were pairs.
    pub fn figures(&self) -> Vec<Figure> {
        self.by_speed()
            .filter_map(|(speed, pairs)| {
                let ratios: Vec<f64> = pairs.iter().map(|pair| pair.ratio()).collect();
                Figure::of(&self.name, speed, &ratios)
            })
            .collect()
    }

    /// For people: the medians of both sides, and how many pairs were dropped.
    pub fn summary(&self, unit: &str) -> String {
        let Self { name, dropped, .. } = self;
        let mut text = String::new();
        for (speed, pairs) in self.by_speed() {
            let (ours, peer) = (median_of(&pairs, ours), median_of(&pairs, peer));
            text.push_str(&format!(
                "{name}: {speed} disk, {} pairs: ours {ours:.1} {unit}, peer {peer:.1} {unit}\n",
                pairs.len()
            ));
        }
        text.push_str(&format!("{name}: {dropped} pairs dropped, the disk changed its speed"));
        text
    }

    /// The median of one side over all pairs that count; `None` if there are none.
    fn rate(&self, side: Side) -> Option<f64> {
        let pairs: Vec<&Pair> = self.kept.iter().collect();
        (!pairs.is_empty()).then(|| median_of(&pairs, side))
    }

    /// The pairs apart by speed, those that have any.
    fn by_speed(&self) -> impl Iterator<Item = (Speed, Vec<&Pair>)> {
        [Speed::Slow, Speed::Fast]
            .into_iter()
            .map(|speed| (speed, self.kept.iter().filter(|pair| pair.speed() == speed).collect()))
            .filter(|(_, pairs): &(_, Vec<_>)| !pairs.is_empty())
    }
}

/// The figure of the best of each side: our slots of the series in which we are fastest, over the
/// peer's of the one in which it is. The slots are paired in the order they were taken, so the two
/// of a pair ran within one round.
pub fn best_of_each(name: &str, all: &[Series]) -> Vec<Figure> {
    let highest = |side: Side| {
        let rated = all.iter().filter_map(|series| Some((series, series.rate(side)?)));
        rated.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(series, _)| series)
    };
    let (Some(our_best), Some(peer_best)) = (highest(ours), highest(peer)) else {
        return Vec::new();
    };
    [Speed::Slow, Speed::Fast]
        .into_iter()
        .filter_map(|speed| {
            let at = |series: &Series, side: Side| -> Vec<f64> {
                series.kept.iter().filter(|pair| pair.speed() == speed).map(side).collect()
            };
            let rates = at(our_best, ours).into_iter().zip(at(peer_best, peer));
            let ratios: Vec<f64> = rates.map(|(ours, peer)| ours / peer).collect();
            Figure::of(name, speed, &ratios)
        })
        .collect()
}

/// One side of a pair.
type Side = fn(&Pair) -> f64;

/// Our side.
fn ours(pair: &Pair) -> f64 {
    pair.ours
}

/// The peer's side.
fn peer(pair: &Pair) -> f64 {
    pair.peer
}

/// The median of one side of some pairs; zero of none.
fn median_of(pairs: &[&Pair], side: Side) -> f64 {
    median(&pairs.iter().map(|pair| side(pair)).collect::<Vec<_>>()).unwrap_or_default()
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slow => "slow",
            Self::Fast => "fast",
        })
    }
}

/// A line of the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What was measured, one word, with the disk's speed.
    name: String,
    /// The median of the ratios.
    ratio: f64,
    /// The lowest and the highest ratio.
    range: (f64, f64),
    /// How many ratios.
    pairs: usize,
}

impl Figure {
    /// The figure of some ratios; `None` if there are none.
    fn of(name: &str, speed: Speed, ratios: &[f64]) -> Option<Self> {
        Some(Self {
            name: format!("{name}-{speed}-disk"),
            ratio: median(ratios)?,
            range: range(ratios)?,
            pairs: ratios.len(),
        })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, ratio, range: (low, high), pairs } = self;
        write!(f, "{name} {ratio:.2} {low:.2} {high:.2} {pairs}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(ours: f64, peer: f64, probe: f64) -> Pair {
        Pair { ours, peer, probes: vec![probe, probe * 1.5, probe] }
    }

    fn lines(figures: &[Figure]) -> Vec<String> {
        figures.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_figure_is_the_median_ratio_with_its_range_and_count() {
        let mut series = Series::new("p1", 3);
        for ours in [20.0, 30.0, 60.0] {
            assert!(series.wants_more());
            assert!(series.push(pair(ours, 10.0, 8_000.0)));
        }
        assert!(!series.wants_more());
        assert_eq!(lines(&series.figures()), ["p1-fast-disk 3.00 2.00 6.00 3"]);
    }

    #[test]
    fn a_pair_of_unsteady_disk_is_dropped_and_replaced_up_to_twice() {
        let mut series = Series::new("p1", 2);
        let unsteady = Pair { ours: 9.0, peer: 1.0, probes: vec![300.0, 8_000.0, 8_000.0] };
        for _ in 0..3 {
            assert!(series.wants_more());
            assert!(!series.push(unsteady.clone()));
        }
        assert!(series.push(pair(1.0, 1.0, 300.0)));
        assert!(!series.wants_more(), "four have been tried for two");
        assert_eq!(lines(&series.figures()), ["p1-slow-disk 1.00 1.00 1.00 1"]);
        assert!(
            series.summary("requests/s").ends_with("3 pairs dropped, the disk changed its speed")
        );
    }

    #[test]
    fn twofold_is_still_steady() {
        let check = |probes: &[f64], steady| {
            let pair = Pair { ours: 1.0, peer: 1.0, probes: probes.to_vec() };
            assert_eq!(pair.is_steady(), steady, "{probes:?}");
        };
        check(&[400.0, 800.0, 500.0], true);
        check(&[400.0, 801.0], false);
        check(&[], false);
    }

    #[test]
    fn slow_and_fast_disk_are_apart() {
        let mut series = Series::new("p2", 2);
        series.push(pair(8.0, 1.0, 300.0));
        series.push(pair(2.0, 1.0, 7_000.0));
        assert_eq!(
            lines(&series.figures()),
            ["p2-slow-disk 8.00 8.00 8.00 1", "p2-fast-disk 2.00 2.00 2.00 1"]
        );
    }

    #[test]
    fn the_best_of_each_side_may_be_of_different_series() {
        let mut at_8 = Series::new("8", 2);
        let mut at_64 = Series::new("64", 2);
        for _ in 0..2 {
            at_8.push(pair(10.0, 20.0, 7_000.0));
            at_64.push(pair(60.0, 15.0, 7_000.0));
        }
        assert_eq!(
            lines(&best_of_each("best", &[at_8, at_64])),
            ["best-fast-disk 3.00 3.00 3.00 2"]
        );
        assert!(best_of_each("best", &[]).is_empty());
    }
}
