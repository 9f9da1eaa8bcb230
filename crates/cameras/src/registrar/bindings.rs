//! Where devices are: a table in memory of every registration, live ones and those that ended
//! lately. The store has the same, but for what keepalives change.

mod gone;
mod index;
mod row;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fleet::{Binding, DeviceKey, Offline, Timestamp};
use gb28181::sip::{Flow, Transport};
use store::StoredBinding;

use crate::line::LiveBinding;
use gone::Gone;
use index::{Index, hash_bytes, hash_number};
pub(crate) use row::{Phase, Row, transport_of};

/// The place of a row; stays the same until the row is removed.
pub(crate) type Slot = u32;

/// All bindings.
#[derive(Debug, Default)]
pub struct Bindings {
    rows: Vec<Option<Row>>,
    free: Vec<Slot>,
    by_id: Index,
    by_device: Index,
    /// Which rows are reached over each TCP connection: it can carry many devices.
    by_connection: BTreeSet<(u64, Slot)>,
    /// How many live rows are reached over each TCP connection that has any.
    carried: BTreeMap<u64, u32>,
    /// Connections whose first live row came or whose last one went, since somebody asked.
    changed: Vec<u64>,
    /// Devices whose records are gone and whose rows are not seen to yet, and whether they were
    /// registered. Each comes once, as long as it has a row.
    removed: Vec<(DeviceKey, bool)>,
    /// Devices whose records are gone, whether they had rows or not.
    gone: Gone,
    /// Devices that have registered with another node, as far as was heard. Each comes once, as
    /// long as it has a row.
    doubted: Vec<DeviceKey>,
    /// Rows that are live, but for those that have run out and were not looked at since.
    live: usize,
    /// The slot that the next look at some rows begins with.
    cursor: usize,
}

impl Bindings {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many devices are registered.
    pub fn live_count(&self) -> usize {
        self.live
    }

    /// How many rows there are, ended ones included.
    pub fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the table takes: rows, indices, room for more.
    pub fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Option<Row>>()
            + self.free.capacity() * size_of::<Slot>()
            + self.by_id.bytes()
            + self.by_device.bytes()
            + self.by_connection.len() * 2 * size_of::<(u64, Slot)>()
            + self.carried.len() * 2 * size_of::<(u64, u32)>()
            + self.removed.capacity() * size_of::<(DeviceKey, bool)>()
            + self.gone.bytes()
            + self.doubted.capacity() * size_of::<DeviceKey>()
    }

    /// The row of a device, as the driver sees it. Not if it never came to be registered.
    pub(crate) fn live(&self, device: DeviceKey) -> Option<LiveBinding> {
        let row = self.get(self.find_device(device)?)?;
        (row.phase != Phase::Marked).then(|| row.to_live())
    }

    /// The row of an id.
    pub(crate) fn find(&self, id: &[u8]) -> Option<Slot> {
        self.by_id.find(hash_bytes(id), |slot| self.get(slot).is_some_and(|row| row.id() == id))
    }

    /// The row of a device.
    pub(crate) fn find_device(&self, device: DeviceKey) -> Option<Slot> {
        let is = |slot| self.get(slot).is_some_and(|row| row.device == device);
        self.by_device.find(hash_number(device.0), is)
    }

    /// A row.
    pub(crate) fn get(&self, slot: Slot) -> Option<&Row> {
        self.rows.get(slot as usize)?.as_ref()
    }

    /// A row, to change all of it but its flow and its phase.
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Row> {
        self.rows.get_mut(slot as usize)?.as_mut()
    }

    /// The row of a device that has proved who it is; made if there is none. If the id belonged to
    /// another device before, since it was removed and put on record anew, that row goes; which
    /// nonces it was accepted with is remembered. `None` if the device's record is gone.
    pub(crate) fn enter(&mut self, id: &[u8], device: DeviceKey, flow: Flow) -> Option<Slot> {
        if self.is_removed(device) {
            return None;
        }
        let mut mark = None;
        if let Some(slot) = self.find(id) {
            let other = self.get(slot)?;
            if other.device == device {
                return Some(slot);
            }
            mark = Some(other.last_mark());
            self.remove(slot);
        }
        if let Some(slot) = self.find_device(device) {
            self.remove(slot);
        }
        let mut row = Row::new(id, device, flow)?;
        if let Some((issued_at, count)) = mark {
            row.mark(issued_at, count);
        }
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.rows.push(None);
                u32::try_from(self.rows.len() - 1).ok()?
            }
        };
        *self.rows.get_mut(slot as usize)? = Some(row);
        let rows = &self.rows;
        let row_at = |slot: Slot| rows.get(slot as usize).and_then(Option::as_ref);
        self.by_id.insert(slot, |slot| row_at(slot).map_or(0, |row| hash_bytes(row.id())));
        self.by_device.insert(slot, |slot| row_at(slot).map_or(0, |row| hash_number(row.device.0)));
        Some(slot)
    }

    /// Takes over what the store has, but of a device that was removed since that was read.
    pub(crate) fn load(&mut self, stored: &StoredBinding, now: Timestamp) {
        let binding = &stored.binding;
        let flow = Flow::udp(binding.remote);
        let Some(slot) = self.enter(stored.id.as_str().as_bytes(), binding.device, flow) else {
            return;
        };
        let Some(row) = self.get_mut(slot) else { return };
        row.take(binding, now);
        if let Some(at) = stored.surveyed_at {
            row.set_surveyed(at);
        }
        row.returned = stored.surveyed_at.is_none_or(|at| at < binding.registered_at);
        self.live += usize::from(binding.ended.is_none());
    }

    /// Takes over what the store has of a registration with another node: it counts for nothing but
    /// for what is accepted next.
    pub(crate) fn remember(&mut self, id: &[u8], binding: &Binding) {
        let slot = self.enter(id, binding.device, Flow::udp(binding.remote));
        if let Some(row) = slot.and_then(|slot| self.get_mut(slot)) {
            row.remember(binding);
        }
    }

    /// The device seems to have registered with another node. Somebody is to see to it with
    /// [`Self::take_doubted`]; gives whether there is anything to see to.
    pub(crate) fn doubt(&mut self, device: DeviceKey) -> bool {
        let Some(slot) = self.find_device(device) else { return false };
        let Some(row) = self.get_mut(slot).filter(|row| row.phase != Phase::Marked) else {
            return false;
        };
        if !std::mem::replace(&mut row.doubted, true) {
            self.doubted.push(device);
        }
        true
    }

    /// A device that seems to have registered with another node; each is told of once.
    pub(crate) fn take_doubted(&mut self) -> Option<DeviceKey> {
        let device = self.doubted.pop()?;
        if let Some(row) = self.find_device(device).and_then(|slot| self.get_mut(slot)) {
            row.doubted = false;
        }
        Some(device)
    }

    /// Removes a row.
    pub(crate) fn remove(&mut self, slot: Slot) {
        self.set_phase(slot, Phase::Marked);
        let rows = &self.rows;
        let row_at = |slot: Slot| rows.get(slot as usize).and_then(Option::as_ref);
        if row_at(slot).is_none() {
            return;
        }
        self.by_id.remove(slot, |slot| row_at(slot).map_or(0, |row| hash_bytes(row.id())));
        self.by_device.remove(slot, |slot| row_at(slot).map_or(0, |row| hash_number(row.device.0)));
        if let Some(row) = self.rows.get_mut(slot as usize).and_then(Option::take) {
            self.by_connection.remove(&(row.flow().connection, slot));
            self.free.push(slot);
        }
    }

    /// The device is reached over this flow from now on.
    pub(crate) fn set_flow(&mut self, slot: Slot, flow: Flow) {
        let Some(row) = self.rows.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        self.by_connection.remove(&(row.flow().connection, slot));
        let before = row.carrier();
        row.set_flow(flow);
        let after = row.carrier();
        if flow.transport == Transport::Tcp {
            self.by_connection.insert((flow.connection, slot));
        }
        self.carry(before, after);
    }

    /// The device is registered from now on, or no more.
    pub(crate) fn set_phase(&mut self, slot: Slot, phase: Phase) {
        let Some(row) = self.rows.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let (was, is) = (row.phase == Phase::Live, phase == Phase::Live);
        let before = row.carrier();
        row.phase = phase;
        let after = row.carrier();
        self.live = self.live + usize::from(is) - usize::from(was);
        self.carry(before, after);
    }

    /// A live row is carried by another connection than before, or by none.
    fn carry(&mut self, before: Option<u64>, after: Option<u64>) {
        if before == after {
            return;
        }
        if let Some(connection) = before
            && let Some(count) = self.carried.get_mut(&connection)
        {
            *count -= 1;
            if *count == 0 {
                self.carried.remove(&connection);
                self.changed.push(connection);
            }
        }
        if let Some(connection) = after {
            let count = self.carried.entry(connection).or_default();
            *count += 1;
            if *count == 1 {
                self.changed.push(connection);
            }
        }
    }

    /// A TCP connection that has come to carry a live row, or carries none any more, and which of
    /// both; each is told of once.
    pub(crate) fn take_changed(&mut self) -> Option<(u64, bool)> {
        let connection = self.changed.pop()?;
        Some((connection, self.carried.contains_key(&connection)))
    }

    /// The device's record is gone: its registration ends now, and nothing begins another, not
    /// even if it had none. Somebody is to see to it with [`Self::take_removed`]; gives whether
    /// there is anything to see to.
    pub(crate) fn remove_device(&mut self, device: DeviceKey, at: Timestamp) -> bool {
        self.gone.add(device);
        let Some(slot) = self.find_device(device) else { return false };
        let Some(row) = self.get_mut(slot).filter(|row| !row.removed) else { return false };
        row.removed = true;
        row.returned = false;
        let was_live = row.phase == Phase::Live;
        if was_live {
            row.ended_at = at;
            self.set_phase(slot, Phase::Ended(Offline::CredentialsChanged));
        }
        self.removed.push((device, was_live));
        true
    }

    /// Whether the device's record is gone.
    pub(crate) fn is_removed(&self, device: DeviceKey) -> bool {
        self.gone.contains(device)
    }

    /// A device whose record is gone, and whether it was registered; each is told of once.
    pub(crate) fn take_removed(&mut self) -> Option<(DeviceKey, bool)> {
        self.removed.pop()
    }

    /// The rows that are reached over a TCP connection.
    pub(crate) fn of_connection(&self, connection: u64) -> Vec<Slot> {
        let range = (connection, Slot::MIN)..=(connection, Slot::MAX);
        self.by_connection.range(range).map(|(_, slot)| *slot).collect()
    }

    /// The next slots in turn that hold rows, `count` of all slots looked at; round and round.
    pub(crate) fn next_slots(&mut self, count: usize) -> Vec<Slot> {
        let count = count.min(self.rows.len());
        let mut found = Vec::with_capacity(count);
        for _ in 0..count {
            self.cursor = if self.cursor >= self.rows.len() { 0 } else { self.cursor };
            if self.rows.get(self.cursor).is_some_and(Option::is_some) {
                found.extend(Slot::try_from(self.cursor));
            }
            self.cursor += 1;
        }
        found
    }

    /// Moves the times of live rows by so many milliseconds and has the rows written.
    pub(crate) fn shift(&mut self, milliseconds: i64, unwritten: &mut VecDeque<Slot>) {
        for (slot, row) in (0..).zip(&mut self.rows) {
            let Some(row) = row.as_mut().filter(|row| row.phase == Phase::Live) else { continue };
            row.heard_at = Timestamp(row.heard_at.0.saturating_add(milliseconds));
            row.expires_at = Timestamp(row.expires_at.0.saturating_add(milliseconds));
            if !std::mem::replace(&mut row.dirty, true) {
                unwritten.push_back(slot);
            }
        }
    }

    /// Slots, taken ones and free ones.
    pub(crate) fn slots(&self) -> usize {
        self.rows.len()
    }

    /// How often the device sends keepalives, as its configuration shows; 0 for our own setting.
    pub(crate) fn expect_keepalives(&mut self, device: DeviceKey, seconds: u32, misses: u32) {
        let slot = self.find_device(device);
        if let Some(row) = slot.and_then(|slot| self.get_mut(slot)) {
            row.keepalive_seconds = u16::try_from(seconds).unwrap_or(u16::MAX);
            row.keepalive_misses = u8::try_from(misses).unwrap_or(u8::MAX);
        }
    }
}

#[cfg(test)]
mod tests;
