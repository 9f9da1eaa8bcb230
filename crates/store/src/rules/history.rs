//! Which jobs of a walk are forgotten.

use std::collections::HashSet;

use fleet::{JobId, RequestId, Timestamp};

use crate::columns::{Columns, column, optional};
use crate::{Error, Old};

/// A job, as far as forgetting it looks at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Its id.
    pub(crate) id: JobId,
    /// When it ended; `None` if it is open.
    pub(crate) ended_at: Option<Timestamp>,
}

/// A row with `id` and `ended_at`.
pub(crate) fn seen(row: &impl Columns) -> Result<Seen, Error> {
    Ok(Seen {
        id: JobId::from_bytes(column(row, "id")?),
        ended_at: optional::<i64>(row, "ended_at")?.map(Timestamp),
    })
}

/// The ids between which jobs are looked at: above the first, up to the second. The request
/// `unanswered`, if there is one, and all after it are left out.
pub(crate) fn range(
    old: &Old,
    after: RequestId,
    unanswered: Option<RequestId>,
) -> ([u8; 16], [u8; 16]) {
    let (_, low) = after.job_range();
    let (_, high) = old.up_to.job_range();
    let high = high.to_bytes();
    // No job bears the id of its request.
    let high = unanswered.map_or(high, |first| high.min(first.to_bytes()));
    (low.to_bytes(), high)
}

/// How a page of jobs ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// There are no more.
    End,
    /// After this request, of which all jobs are there; there is more.
    After(RequestId),
    /// In the middle of this request, which is all that there is and has to be read whole.
    Within(RequestId),
}

/// Leaves whole requests of jobs in their order, of which one more than `limit` was asked for.
pub(crate) fn cut(jobs: &mut Vec<Seen>, limit: usize) -> Cut {
    let Some(last) = jobs.last().filter(|_| jobs.len() > limit).map(|last| last.id.request())
    else {
        return Cut::End;
    };
    jobs.retain(|job| job.id.request() != last);
    jobs.last().map_or(Cut::Within(last), |whole| Cut::After(whole.id.request()))
}

/// The requests of jobs in their order, each once.
pub(crate) fn requests(jobs: &[Seen]) -> Vec<RequestId> {
    let mut requests: Vec<RequestId> = jobs.iter().map(|job| job.id.request()).collect();
    requests.dedup();
    requests
}

/// The jobs of those whole requests that are old and no waves.
pub(crate) fn forgotten(jobs: &[Seen], waves: &HashSet<RequestId>, old: &Old) -> Vec<JobId> {
    let is_old = |job: &Seen| job.ended_at.is_some_and(|at| at <= old.ended_by);
    let is_kept = |of: RequestId| waves.contains(&of) || old.kept.contains(&of);
    jobs.chunk_by(|one, next| one.id.request() == next.id.request())
        .filter(|request| request.iter().all(|job| is_old(job) && !is_kept(job.id.request())))
        .flat_map(|request| request.iter().map(|job| job.id))
        .collect()
}

/// Those of some old updates that are not kept all the same. The call `unanswered`, if there is
/// one, and all after it may be made again.
pub(crate) fn rollouts(
    mut ids: Vec<RequestId>,
    old: &Old,
    unanswered: Option<RequestId>,
) -> Vec<RequestId> {
    ids.retain(|id| unanswered.is_none_or(|first| *id < first) && !old.kept.contains(id));
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(number: u64) -> RequestId {
        RequestId::from_parts(1_000, number)
    }

    /// Jobs `(request, position, ended)`.
    fn jobs(of: &[(u64, u16, Option<i64>)]) -> Vec<Seen> {
        let job = |(number, position, ended): &(u64, u16, Option<i64>)| Seen {
            id: request(*number).job(*position).unwrap(),
            ended_at: ended.map(Timestamp),
        };
        of.iter().map(job).collect()
    }

    #[test]
    fn a_page_ends_between_requests() {
        let all = jobs(&[(1, 0, None), (1, 1, None), (2, 0, None), (2, 1, None)]);
        for (limit, cut_at, left) in [
            (4, Cut::End, 4),
            (3, Cut::After(request(1)), 2),
            (2, Cut::After(request(1)), 2),
            (1, Cut::Within(request(1)), 0),
        ] {
            let mut page = all[..all.len().min(limit + 1)].to_vec();
            assert_eq!((cut(&mut page, limit), page.len()), (cut_at, left), "{limit}");
        }
        assert_eq!(cut(&mut Vec::new(), 1), Cut::End);
    }

    #[test]
    fn a_request_is_forgotten_whole_or_not_at_all() {
        let all = jobs(&[
            (1, 0, Some(5)),
            (1, 3, Some(7)),
            (2, 0, Some(5)),
            (2, 1, None),
            (3, 0, Some(8)),
            (4, 0, Some(1)),
            (5, 0, Some(1)),
            (6, 0, Some(7)),
        ]);
        let old = Old { up_to: request(9), ended_by: Timestamp(7), kept: vec![request(5)] };
        let ids = forgotten(&all, &[request(4)].into(), &old);
        let places: Vec<_> = ids.iter().map(|id| (id.request(), id.position())).collect();
        assert_eq!(places, [(request(1), 0), (request(1), 3), (request(6), 0)]);
        assert_eq!(requests(&all).len(), 6);
    }

    #[test]
    fn nothing_is_looked_at_from_a_call_on_that_has_no_answer() {
        let old = Old { up_to: request(9), ended_by: Timestamp(7), kept: Vec::new() };
        let in_range = |number: u64, unanswered| {
            let (low, high) = range(&old, request(2), unanswered);
            let job = request(number).job(0).unwrap().to_bytes();
            low < job && job <= high
        };
        let of = |unanswered| (1..=10).filter(|number| in_range(*number, unanswered)).count();
        assert_eq!((of(None), of(Some(request(5))), of(Some(request(20)))), (7, 2, 7));
    }
}
