//! What was sent to devices and waits to be answered: by SIP, and by messages of the device's own.

use std::collections::BTreeMap;

use fleet::DeviceKey;
use gb28181::endpoint::RequestId;
use gb28181::manscdp::Incoming;
use tokio::sync::{mpsc, oneshot};

use crate::line::Undelivered;

/// Answers awaited at a time: the engine has at most 1,024 actions in flight, each of which waits
/// for one or two.
const AWAITED_MAX: usize = 4_096;

/// Everything that waits. Ordered maps: who is told first must not hang on chance.
#[derive(Debug, Default)]
pub(crate) struct Exchanges {
    awaited: BTreeMap<(DeviceKey, u32), Awaited>,
    deliveries: BTreeMap<RequestId, Delivery>,
}

/// An application answer that is awaited.
#[derive(Debug)]
pub(crate) struct Awaited {
    pub(crate) cmd_type: &'static str,
    pub(crate) answers: mpsc::Sender<Result<Incoming, Undelivered>>,
}

/// A SIP answer that is awaited.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) device: DeviceKey,
    pub(crate) sender: oneshot::Sender<Result<u16, Undelivered>>,
}

/// What became of an application answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Whoever awaits it has it.
    Yes,
    /// Nobody awaits it.
    Unawaited,
    /// Whoever awaits it has too many to read already.
    Overflow,
}

impl Exchanges {
    /// Whether an answer with this number may be awaited of the device: not if there is no room, or
    /// one is awaited already.
    pub(crate) fn has_room(&self, device: DeviceKey, sn: u32) -> bool {
        let free = self.awaited.get(&(device, sn)).is_none_or(|old| old.answers.is_closed());
        free && self.awaited.len() < AWAITED_MAX
    }

    /// Awaits an application answer.
    pub(crate) fn await_answer(&mut self, device: DeviceKey, sn: u32, awaited: Awaited) {
        self.awaited.insert((device, sn), awaited);
    }

    /// Awaits a SIP answer.
    pub(crate) fn await_delivery(&mut self, id: RequestId, delivery: Delivery) {
        self.deliveries.insert(id, delivery);
    }

    /// A request of ours has ended.
    pub(crate) fn delivered(&mut self, id: RequestId, result: Result<u16, Undelivered>) {
        if let Some(delivery) = self.deliveries.remove(&id) {
            // Whoever dropped the exchange does not want to know.
            let _ = delivery.sender.send(result);
        }
    }

    /// A device has answered.
    pub(crate) fn answered(&mut self, device: DeviceKey, incoming: Incoming) -> Taken {
        let Some((cmd_type, sn)) = answer_to(&incoming) else { return Taken::Unawaited };
        let key = (device, sn);
        let Some(awaited) = self.awaited.get(&key).filter(|it| it.cmd_type == cmd_type) else {
            return Taken::Unawaited;
        };
        match awaited.answers.try_send(Ok(incoming)) {
            Ok(()) => Taken::Yes,
            Err(mpsc::error::TrySendError::Full(_)) => Taken::Overflow,
            Err(mpsc::error::TrySendError::Closed(_)) => {
                self.awaited.remove(&key);
                Taken::Unawaited
            }
        }
    }

    /// The device can't answer any more. Gives the requests to it that have no SIP answer yet.
    #[must_use = "they would be repeated"]
    pub(crate) fn end(&mut self, device: DeviceKey, why: Undelivered) -> Vec<RequestId> {
        let keys: Vec<_> =
            self.awaited.range((device, 0)..=(device, u32::MAX)).map(|(key, _)| *key).collect();
        for key in keys {
            if let Some(awaited) = self.awaited.remove(&key) {
                let _ = awaited.answers.try_send(Err(why));
            }
        }
        let of_device =
            |(id, delivery): (&RequestId, &Delivery)| (delivery.device == device).then_some(*id);
        let ids: Vec<_> = self.deliveries.iter().filter_map(of_device).collect();
        for id in &ids {
            self.delivered(*id, Err(why));
        }
        ids
    }

    /// Forgets what nobody waits for any more. Gives the requests among it that have no SIP answer
    /// yet.
    #[must_use = "they would be repeated"]
    pub(crate) fn prune(&mut self) -> Vec<RequestId> {
        self.awaited.retain(|_, awaited| !awaited.answers.is_closed());
        let unwaited = self.deliveries.extract_if(.., |_, delivery| delivery.sender.is_closed());
        unwaited.map(|(id, _)| id).collect()
    }

    /// How much is kept; what nobody waits for any more counts until it is pruned.
    pub(crate) fn len(&self) -> usize {
        self.awaited.len() + self.deliveries.len()
    }

    /// Whether nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.awaited.is_empty() && self.deliveries.is_empty()
    }
}

/// The CmdType and SN that an answer bears; `None` for what is no answer to anything of ours.
fn answer_to(incoming: &Incoming) -> Option<(&'static str, u32)> {
    match incoming {
        Incoming::Catalog(part) => Some(("Catalog", part.sn)),
        Incoming::DeviceInfo(answer) => Some(("DeviceInfo", answer.sn)),
        Incoming::DeviceStatus(answer) => Some(("DeviceStatus", answer.sn)),
        Incoming::DeviceConfig(answer) => Some(("DeviceConfig", answer.sn)),
        Incoming::ConfigDownload(answer) => Some(("ConfigDownload", answer.sn)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use gb28181::manscdp::{ConfigResult, Outcome};

    use super::*;

    const DEVICE: DeviceKey = DeviceKey(5);

    fn config_result(sn: u32) -> Incoming {
        let device_id = "34020000001320000001".to_owned();
        Incoming::DeviceConfig(ConfigResult { sn, device_id, result: Outcome::Ok })
    }

    fn awaiting(
        exchanges: &mut Exchanges,
        sn: u32,
        room: usize,
    ) -> mpsc::Receiver<Result<Incoming, Undelivered>> {
        let (answers, receiver) = mpsc::channel(room);
        assert!(exchanges.has_room(DEVICE, sn));
        exchanges.await_answer(DEVICE, sn, Awaited { cmd_type: "DeviceConfig", answers });
        receiver
    }

    #[test]
    fn an_answer_goes_to_whoever_asked_that_device_that_command_with_that_number() {
        let mut exchanges = Exchanges::default();
        let mut receiver = awaiting(&mut exchanges, 7, 1);
        assert!(!exchanges.has_room(DEVICE, 7), "one is awaited already");
        assert_eq!(exchanges.answered(DEVICE, config_result(8)), Taken::Unawaited);
        assert_eq!(exchanges.answered(DeviceKey(6), config_result(7)), Taken::Unawaited);
        let other = Incoming::DeviceInfo(gb28181::manscdp::DeviceInfo {
            sn: 7,
            device_id: String::new(),
            device_name: None,
            result: Outcome::Ok,
            manufacturer: None,
            model: None,
            firmware: None,
            channel: None,
        });
        assert_eq!(exchanges.answered(DEVICE, other), Taken::Unawaited);
        assert_eq!(exchanges.answered(DEVICE, config_result(7)), Taken::Yes);
        assert_eq!(exchanges.answered(DEVICE, config_result(7)), Taken::Overflow);
        assert_eq!(receiver.try_recv().unwrap(), Ok(config_result(7)));
        drop(receiver);
        assert_eq!(exchanges.answered(DEVICE, config_result(7)), Taken::Unawaited);
        assert!(exchanges.is_empty());
    }

    #[test]
    fn a_device_that_goes_ends_all_that_waits_for_it_and_dropped_ones_are_pruned() {
        let mut exchanges = Exchanges::default();
        let mut receiver = awaiting(&mut exchanges, 7, 1);
        let (sender, mut delivered) = oneshot::channel();
        exchanges.await_delivery(RequestId(1), Delivery { device: DEVICE, sender });
        assert_eq!(exchanges.end(DeviceKey(6), Undelivered::Unregistered), []);
        assert_eq!(exchanges.len(), 2);
        assert_eq!(exchanges.end(DEVICE, Undelivered::Unregistered), [RequestId(1)]);
        assert_eq!(receiver.try_recv().unwrap(), Err(Undelivered::Unregistered));
        assert_eq!(delivered.try_recv().unwrap(), Err(Undelivered::Unregistered));
        assert!(exchanges.is_empty());
        drop(awaiting(&mut exchanges, 9, 1));
        assert_eq!((exchanges.len(), exchanges.is_empty()), (1, false));
        let (sender, delivered) = oneshot::channel();
        exchanges.await_delivery(RequestId(2), Delivery { device: DEVICE, sender });
        drop(delivered);
        assert_eq!(exchanges.prune(), [RequestId(2)]);
        assert!(exchanges.is_empty());
    }
}
