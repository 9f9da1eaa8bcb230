//! Scripts that run as root by `su`.
//!
//! There are two families of `su`. AOSP's takes a user and a command with its arguments (`su 0 sh
//! -c SCRIPT`: system/extras/su/su.cpp, usage `su [WHO [COMMAND...]]`), Magisk's and those after it
//! one text for a shell (`su -c SCRIPT`). Which one a phone has, its answer tells: the first way
//! that answers in our form was the right one. A phone that gives root by neither runs the script
//! as it is, so that what needs no root is done, and says of the rest what `su` said.

use super::opening::FORM;
use super::quote::{quote, quoted_bytes};

/// What a script that runs as root by `su` says, besides, where `su` did not give it.
pub(super) const SU_WORDS: &str = "[ -z \"$_u\" ]||_rec su \"$(printf %.200s \"$_u\")\"\n";

/// Bytes of the lines around a script that runs by `su`; some 300 of its own and the nonce.
const AROUND_BYTES_MAX: usize = 512;

/// How a script gets its rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// It has those of adbd's shell.
    Shell,
    /// It asks `su` for root's.
    Su,
}

impl Rights {
    /// Bytes that `text` takes of a script with these rights.
    pub(super) fn bytes(self, text: &str) -> usize {
        match self {
            Self::Shell => text.len(),
            // Two quotes more than it takes: the whole script has two.
            Self::Su => quoted_bytes(text),
        }
    }

    /// Bytes that a script with these rights takes besides its lines.
    pub(super) fn bytes_around(self) -> usize {
        match self {
            Self::Shell => 0,
            Self::Su => AROUND_BYTES_MAX,
        }
    }

    /// The script that runs `script` with these rights.
    pub(super) fn wrap(self, script: String, nonce: &str) -> String {
        match self {
            Self::Shell => script,
            Self::Su => AS_ROOT
                .replace("@START@", &quote(&format!("\n{nonce} {FORM}\n")))
                .replace("@SCRIPT@", &quote(&script)),
        }
    }
}

/// Runs a script by `su`. The script is one word twice over: once for the shell that reads this,
/// once for the one that `su` starts. `su` may not read from the phone's connection, or a `su` that
/// opens a shell instead of running the command would wait there for ever.
const AS_ROOT: &str = r#"_f=@START@
_s=@SCRIPT@
_as(){ _o=$("$@" </dev/null 2>/dev/null;printf x);case $_o in "$_f"*)printf %s "${_o%x}";exit 0;;esac;}
_as su 0 sh -c "$_s"
_as su -c "$_s"
_u="su: $(su 0 id -u </dev/null 2>&1)"
eval "$_s"
"#;
