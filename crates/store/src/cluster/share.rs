//! How many shards each node has: all of them together have all, and no two differ by more than
//! one, unless that would move a shard without need.
//!
//! `held` is what the nodes with the role `engine` whose sessions last hold, this one among them;
//! `free` is how many shards nobody holds who lives.

use fleet::id::SHARDS;

use super::SessionKey;

/// The share of one of `nodes`: at least, and at most.
fn share(nodes: usize) -> (usize, usize) {
    let (shards, nodes) = (usize::from(SHARDS), nodes.max(1));
    (shards / nodes, shards.div_ceil(nodes))
}

/// What `own` holds.
fn own_of(own: SessionKey, held: &[(SessionKey, usize)]) -> usize {
    held.iter().find(|(key, _)| *key == own).map_or(0, |(_, count)| *count)
}

/// What the others lack of their least share.
fn lacking(own: SessionKey, held: &[(SessionKey, usize)], floor: usize) -> usize {
    let others = held.iter().filter(|(key, _)| *key != own);
    others.map(|(_, count)| floor.saturating_sub(*count)).sum()
}

/// How many of the free shards `own` takes: up to its least share, and one more if the others do
/// not need it for theirs.
pub(crate) fn to_take(own: SessionKey, held: &[(SessionKey, usize)], free: usize) -> usize {
    let (floor, ceiling) = share(held.len());
    let mine = own_of(own, held);
    let least = floor.saturating_sub(mine).min(free);
    let spare = (free - least).saturating_sub(lacking(own, held, floor));
    least + ceiling.saturating_sub(mine.max(floor)).min(spare)
}

/// How many of its shards `own` gives back: what it has above its largest share, or one of those
/// that it has by right, if another lacks it for its least share and nothing else will come to
/// that one. Of several who could give one, those with the lowest keys do.
pub(crate) fn surplus(own: SessionKey, held: &[(SessionKey, usize)], free: usize) -> usize {
    let (floor, ceiling) = share(held.len());
    let mine = own_of(own, held);
    if mine > ceiling {
        return mine - ceiling;
    }
    if mine < ceiling || ceiling == floor {
        return 0;
    }
    let given: usize = held.iter().map(|(_, count)| count.saturating_sub(ceiling)).sum();
    let needed = lacking(own, held, floor).saturating_sub(free + given);
    let before = held.iter().filter(|(key, count)| *count == ceiling && *key < own).count();
    usize::from(before < needed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: usize = SHARDS as usize;

    fn held(counts: &[usize]) -> Vec<(SessionKey, usize)> {
        (1..).map(SessionKey).zip(counts.iter().copied()).collect()
    }

    /// Every node renews once and gives its surplus back, in the order of `order`; says how many
    /// shards moved.
    fn round(counts: &mut [usize], order: &[usize]) -> usize {
        let mut moved = 0;
        for node in order {
            let own = SessionKey(i64::try_from(*node).unwrap() + 1);
            let free = ALL - counts.iter().sum::<usize>();
            let taken = to_take(own, &held(counts), free);
            counts[*node] += taken;
            let given = surplus(own, &held(counts), free - taken);
            counts[*node] -= given;
            moved += taken + given;
        }
        moved
    }

    #[test]
    fn one_has_all_and_two_have_halves() {
        assert_eq!(to_take(SessionKey(1), &held(&[0]), ALL), ALL);
        assert_eq!(surplus(SessionKey(1), &held(&[ALL]), 0), 0);
        assert_eq!(surplus(SessionKey(1), &held(&[ALL, 0]), 0), ALL / 2);
        assert_eq!(to_take(SessionKey(2), &held(&[ALL / 2, 0]), ALL / 2), ALL / 2);
        // More nodes than shards: some have none.
        let many = vec![0; ALL + 1];
        assert_eq!(to_take(SessionKey(1), &held(&many), ALL), 1);
        assert_eq!(surplus(SessionKey(1), &held(&many), ALL), 0);
    }

    #[test]
    fn those_that_differ_by_one_are_level() {
        for counts in [[86, 85, 85], [85, 86, 85], [85, 85, 86]] {
            let mut level = counts;
            assert_eq!(round(&mut level, &[2, 0, 1]), 0);
            assert_eq!(level, counts);
        }
        let mut uneven = [86, 86, 84];
        assert_eq!(round(&mut uneven, &[0, 1, 2]), 2, "one is given, and taken");
        assert_eq!(uneven, [85, 86, 85]);
    }

    proptest! {
        #[test]
        fn whatever_was_there_is_soon_level_and_stays_so(
            weights in prop::collection::vec(0_usize..100, 1..12),
            order in Just((0..12).collect::<Vec<usize>>()).prop_shuffle(),
            dead in 0_usize..100,
        ) {
            let total = (weights.iter().sum::<usize>() + dead).max(1);
            let mut counts: Vec<usize> = weights.iter().map(|w| w * ALL / total).collect();
            let order: Vec<usize> = order.into_iter().filter(|n| *n < counts.len()).collect();
            for _ in 0..4 {
                round(&mut counts, &order);
            }
            prop_assert_eq!(counts.iter().sum::<usize>(), ALL);
            let least = counts.iter().min().unwrap();
            prop_assert!(counts.iter().all(|count| count - least <= 1), "{:?}", counts);
            prop_assert_eq!(round(&mut counts, &order), 0);
        }
    }
}
