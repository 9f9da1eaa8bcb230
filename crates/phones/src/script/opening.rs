//! How scripts begin: the frame of the answer, and the proof of identity.

use engine::Adopt;
use fleet::BootIdentity;

use super::quote::quote;
use super::root::{Rights, SU_WORDS};

/// The property that holds the marker of an adopted phone.
pub const MARKER_PROPERTY: &str = "persist.fleetwright.id";

/// The file that holds the marker where the shell may not set the property: no root.
pub const MARKER_FILE: &str = "/data/local/tmp/.fleetwright-id";

/// What every script of this form says first, so that another form is never mistaken for it.
pub const FORM: &str = "fleetwright 2";

/// The end of every script: an answer without it was cut off.
pub(super) const CLOSING: &str = "_quit\n";

/// Whom a script is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening<'a> {
    /// The script's nonce: letters and digits only.
    pub nonce: &'a str,
    /// The marker that the phone has to bear.
    pub marker: &'a str,
    /// Where the marker stands if the property can't hold it.
    pub marker_file: &'a str,
    /// Whether it may be given the marker.
    pub adopt: Adopt,
    /// The boot in which it was last seen.
    pub known_boot: Option<&'a BootIdentity>,
    /// With which rights the script runs.
    pub rights: Rights,
}

impl Opening<'_> {
    /// The start of a script that goes on only if the phone has booted and is the right one. It
    /// leaves `anew` empty if the phone is in the known boot.
    pub(super) fn proof(&self) -> String {
        let adopt = match self.adopt {
            Adopt::No => String::new(),
            Adopt::Unmarked => LEAVE_MARKER.replace("@UNLESS@", "[ -z \"$m\" ]"),
            Adopt::Any => LEAVE_MARKER.replace("@UNLESS@", "[ \"x$m\" != x@MARKER@ ]"),
        };
        let known = self.known_boot.map_or_else(String::new, ToString::to_string);
        let text = [FRAME, BOOTED, BOOT, READ_MARKER, &adopt, PROVE, self.su_words()].concat();
        self.fill(&text).replace("@KNOWN@", &quote(&known)).replace("@MARKER@", &quote(self.marker))
    }

    /// The start of a script that says of whatever phone it meets how it stands with it.
    pub(super) fn look(&self) -> String {
        let text = [FRAME, LOOK_BOOTED, BOOT, READ_MARKER, LOOK_MARKER, self.su_words()].concat();
        self.fill(&text)
    }

    /// Fills in what is no text of anybody else's choice. The marker comes last, and separately, so
    /// that nothing in it is taken for a place to fill.
    fn fill(&self, text: &str) -> String {
        text.replace("@NONCE@", self.nonce)
            .replace("@FORM@", FORM)
            .replace("@PROPERTY@", MARKER_PROPERTY)
            .replace("@FILE@", &quote(self.marker_file))
    }

    fn su_words(&self) -> &'static str {
        match self.rights {
            Rights::Shell => "",
            Rights::Su => SU_WORDS,
        }
    }
}

/// The frame of every script. `@...@` stand for words that are quoted already.
///
/// The answer is put together in `o` and printed at once at the end: adbd sends every write as a
/// message of its own and waits for ours before the next.
///
/// `_take` leaves what a program prints in `v` and how it ended in `c`: command substitution drops
/// newlines at the end, so an `x` and the status are printed behind it and taken away again, and
/// then the one newline that `getprop` and its like add themselves. `_tell` keeps the whole answer
/// below what a phone may print: a value that has no room is `-` instead of its status, and empty.
const FRAME: &str = r#"N=@NONCE@
L='
'
o=
_rec(){ o=$o$L"$N $1"$L$2;}
_take(){ v=$("$@" </dev/null 2>/dev/null;printf "x$?");c=${v##*x};v=${v%x*};v=${v%"$L"};}
_tell(){ if [ ${#v} -gt $((57344-${#o})) ];then _rec "$1 $2 -";else _rec "$1 $2 $c" "$v";fi;}
_quit(){ _rec end;printf %s "$o";exit 0;}
_start(){ s=${20};}
_fact(){ _take getprop "$2";_rec "fact $1" "$(printf %.200s "$v")";}
_rec '@FORM@'
"#;

/// Goes on only on a phone that has booted.
const BOOTED: &str = r#"_take getprop sys.boot_completed
if [ "x$v" != x1 ];then _rec booting;_quit;fi
"#;

/// Says whether the phone has booted.
const LOOK_BOOTED: &str = r#"_take getprop sys.boot_completed
if [ "x$v" != x1 ];then _rec booting;fi
"#;

/// Names the boot. In `/proc/1/stat` the start time is the 20th word behind the name, which stands
/// in brackets and may hold some of its own (proc_pid_stat(5)).
const BOOT: &str = r#"k=
s=
read -r k </proc/sys/kernel/random/boot_id
read -r t </proc/1/stat
_start ${t##*)}
_rec boot "$k$L$s"
"#;

/// Leaves the marker that the phone bears in `m`.
const READ_MARKER: &str = r#"_take getprop @PROPERTY@
m=$v
if [ -z "$m" ]&&[ -f @FILE@ ];then read -r m <@FILE@;fi
"#;

/// Says which marker the phone bears.
const LOOK_MARKER: &str = r#"_rec marker "$(printf %.400s "$m")"
"#;

/// Leaves our marker on the phone, and looks whether it stayed.
const LEAVE_MARKER: &str = r#"if @UNLESS@;then
e=$(setprop @PROPERTY@ @MARKER@ 2>&1)
_take getprop @PROPERTY@
m=$v
if [ -z "$m" ];then
printf '%s\n' @MARKER@ 2>/dev/null >@FILE@
if [ -f @FILE@ ];then read -r m <@FILE@;fi
fi
if [ "x$m" != x@MARKER@ ];then _rec unmarked "$(printf %.400s "$e")";_quit;fi
fi
"#;

/// Goes on only on the right phone, and finds out whether it is in the known boot.
const PROVE: &str = r#"if [ "x$m" != x@MARKER@ ];then _rec wrong "$(printf %.400s "$m")";_quit;fi
anew=1
if [ "x$k/$s" = x@KNOWN@ ];then anew=;fi
"#;

/// What a phone says of itself.
pub(super) const FACTS: &str = r#"_fact model ro.product.model
_fact release ro.build.version.release
_fact build ro.build.display.id
_fact fingerprint ro.build.fingerprint
_rec 'fact user' "$(id -u)"
"#;
