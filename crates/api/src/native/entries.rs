//! Lists in bodies whose faults are named by entry.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

/// The devices of a call, at most `MAX`. What is wrong with one names it by its place, counted
/// from 1.
#[derive(Debug)]
pub(super) struct Entries<T, const MAX: usize>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Entries<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Reader<T, MAX> {
            type Value = Entries<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of devices")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut devices = Vec::new();
                loop {
                    let number = devices.len() + 1;
                    let next = list
                        .next_element()
                        .map_err(|error| A::Error::custom(format!("device {number}: {error}")))?;
                    let Some(device) = next else { return Ok(Entries(devices)) };
                    if number > MAX {
                        return Err(A::Error::custom(format!("more than {MAX} devices")));
                    }
                    devices.push(device);
                }
            }
        }

        deserializer.deserialize_seq(Reader(PhantomData))
    }
}
