//! The driver over real sockets: against simulated phones, which share no code with it, and against
//! AOSP's own `adbd`.

#[cfg(test)]
mod adbd;
#[cfg(test)]
mod authentication;
#[cfg(test)]
mod connection;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod makes;
#[cfg(test)]
mod power;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod support;
