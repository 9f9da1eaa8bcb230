//! What a keepalive may move. It carries no digest, so by itself it proves nothing.

use gb28181::sip::Flow;

/// The setting `sip.follow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Follow {
    /// Nothing: a device is where it registered.
    Registered,
    /// The port, of the same host by the same transport: what a NAT does to a device.
    #[default]
    SameIp,
    /// Everything.
    Any,
}

impl Follow {
    /// The word that stands for it in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::SameIp => "same-ip",
            Self::Any => "any",
        }
    }

    /// Whether a keepalive from `from` may move a device that is at `bound`.
    pub(crate) fn moves(self, bound: &Flow, from: &Flow) -> bool {
        let same_ip = bound.remote.ip().to_canonical() == from.remote.ip().to_canonical();
        match self {
            Self::Registered => false,
            Self::SameIp => same_ip && bound.transport == from.transport,
            Self::Any => true,
        }
    }
}

impl std::str::FromStr for Follow {
    type Err = UnknownFollow;

    fn from_str(text: &str) -> Result<Self, UnknownFollow> {
        [Self::Registered, Self::SameIp, Self::Any]
            .into_iter()
            .find(|follow| follow.name() == text)
            .ok_or_else(|| UnknownFollow(text.to_owned()))
    }
}

/// A text that is no such setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of registered, same-ip, any")]
pub struct UnknownFollow(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_moves_what_it_says() {
        let bound = Flow::udp(([192, 0, 2, 10], 5060).into());
        let other_port = Flow::udp(([192, 0, 2, 10], 5061).into());
        let other_ip = Flow::udp(([192, 0, 2, 11], 5060).into());
        let other_transport = Flow::tcp(([192, 0, 2, 10], 5060).into(), 3);
        for (follow, port, ip, transport) in [
            (Follow::Registered, false, false, false),
            (Follow::SameIp, true, false, false),
            (Follow::Any, true, true, true),
        ] {
            assert_eq!(follow.moves(&bound, &other_port), port, "{follow:?}");
            assert_eq!(follow.moves(&bound, &other_ip), ip, "{follow:?}");
            assert_eq!(follow.moves(&bound, &other_transport), transport, "{follow:?}");
            assert_eq!(follow.name().parse(), Ok(follow));
        }
        assert!("same_ip".parse::<Follow>().is_err());
    }
}
