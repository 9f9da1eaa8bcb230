echo hello world; echo 'a  b' "c  d" e\ \ f
#----
x=1; y='two words'; echo $x "$y" $y "${y}" ${x}y; echo "$x$y"
#----
printf '%s\n' 'single $x `y` \n "q"' "double \$x \"q\" \\ \n" back\\slash\$ a"b"'c'
#----
printf '%s|' 'it'\''s' '; rm -rf /' '$(echo no)' '`echo no`' '&& echo no' '> f' '*' '?' '[a]' '#' '!' '~' '{a,b}' ''; echo
#----
v='a;b&c|d>e<f(g)h$i`j\k"l'; echo "$v"; printf '%s\n' $v; x="$v"; [ "$x" = "$v" ] && echo same
#----
true; echo $?; false; echo $?; ! true; echo $?; ! false; echo $?; nosuchcommandhere; echo $?
#----
true && echo a || echo b; false && echo a || echo b; false || false || echo c; true && false; echo $?
#----
if [ 1 -eq 1 ]; then echo yes; else echo no; fi; if false; then echo 1; elif true; then echo 2; else echo 3; fi; if false; then :; fi; echo $?
#----
for x in a 'b c' "d" $(echo e f); do echo "<$x>"; done; for x in; do echo never; done; echo $?
#----
i=0; while [ $i -lt 5 ]; do i=$((i + 1)); [ $i -eq 2 ] && continue; [ $i -eq 4 ] && break; echo $i; done; echo end $i
#----
for a in 1 2 3; do for b in 1 2 3; do [ $b = 2 ] && continue 2; [ $a = 3 ] && break 2; echo $a$b; done; done
#----
until false; do echo once; break; done; while false; do :; done; echo $?
#----
f() { echo "n=$# 1=$1 2=$2 all=$*"; return 3; }; f a 'b c' d; echo $?; f; echo $#
#----
f() { for x in "$@"; do echo "[$x]"; done; }; f 'a b' '' c; set -- 1 '2 3' ''; f "$@"; f $@; f "$*"; f "x$@y"; f $*
#----
set -- a b c; shift; echo "$1 $#"; shift 2; echo "$#"; set --; echo $# "$@" end; f() { echo $#; }; f "$@"; f "" "$@"; f "$*"
#----
f() { local x=inner y; echo "$x[$y]"; x=changed; }; x=outer; y=out; f; echo "$x $y"
#----
f() { x=$1; if [ "$1" -gt 0 ]; then f $(($1 - 1)); fi; echo $1; }; f 4; echo $x
#----
case abc in a*) echo star;; *) echo other;; esac; case abc in ab?) echo q;; esac; case abc in [xyz]*) echo no;; [!x]*) echo neg;; esac; case x in y) ;; esac; echo $?
#----
case 'a*b' in 'a*b') echo literal;; esac; case axb in 'a*b') echo wrong;; a*b) echo pattern;; esac; p='a*'; case abc in $p) echo var;; esac; case abc in "$p") echo wrong;; *) echo quoted;; esac
#----
case "$x" in '') echo empty;; *) echo full;; esac; case b in a|b|c) echo alt;; esac; case - in [a-c]) echo no;; [-z]) echo dash;; esac; case ']' in []]) echo bracket;; esac; case é in ?) echo one;; ??) echo two;; esac
#----
case a in (a) echo paren;; esac; case foo in
  # a comment
  bar) echo no ;;

  foo)
    echo yes
    ;;
esac
#----
x=; echo "${x:-default} ${x-set} ${y-unset} ${y:-d e} ${x:+alt}${x+alt2} ${y+no}"; : ${z:=assigned}; echo $z
#----
echo ${x:-a  b} "${x:-a  b}" ${x:-'q  q'} "${x:-'q'}" ${x:-$((1+1))} ${x:-$(echo sub)}; y=v; echo ${y:+${y}2} "${x:-a\}b}"
#----
(echo ${nope:?gone}; echo not here); echo $?; (: ${nope?}); echo $?
#----
p=/data/remote/tmp.tar.gz; echo ${p##*/} ${p#*/} ${p%.*} ${p%%.*} ${p#no} ${p%/*} ${#p}; q=aaa; echo "${q#a}${q##a}${q%a}${q%%a*}" "${p#"/data"}"
#----
x='a*b*c'; echo "${x#*\*}" "${x##*'*'}" "${x%"*"*}"; y='[x]y'; echo "${y#'[x]'}" "${y#[x]}" "${y#\[x\]}"
#----
echo $((1 + 2 * 3)) $(( (1+2)*3 )) $((10 / 3)) $((10 % 3)) $((-7 / 2)) $((2 > 1)) $((1 == 2)) $((!0)) $((1 && 0)) $((0 || 2)); x=5; echo $((x + 1)) $(($x * 2)) $((unset_one + 1)) $((0x10)) $((010)) $((3 - -2))
#----
x=$(echo a; echo b; echo); echo "$x"; echo $x; echo "$(echo "$(echo nested "q")")"; y=$(exit 7); echo $?; z=$(false)$(true); echo $?
#----
x=before; (x=inside; echo $x; exit 4); echo $? $x; { x=group; echo $x; }; echo $x
#----
x=$(x=sub; echo $x); echo "$x"; f() { echo from f; }; echo "$(f)"; echo $(echo '*' | cat)
#----
echo out; echo err >&2; { echo both; echo both2 >&2; } 2>&1; echo gone >/dev/null; (echo a; echo b >&2) 2>/dev/null; echo x 2>&1 >/dev/null
#----
cd_test=1; echo one >/data/local/tmp/f; echo two >>/data/local/tmp/f; cat /data/local/tmp/f; cat </data/local/tmp/f; >/data/local/tmp/f; cat /data/local/tmp/f; [ -s /data/local/tmp/f ]; echo $?
#----
if cat /data/local/tmp/none 2>/dev/null; then echo no; else echo "missing $?"; fi; cat </data/local/tmp/none || echo failed
#----
echo x > /data/local/tmp/none/file || echo failed; [ -e /data/local/tmp ] && [ -d /data/local/tmp ] && ! [ -f /data/local/tmp ] && echo dir
#----
mkdir -p /data/local/tmp/a/b && echo 1 >/data/local/tmp/a/b/c && mv /data/local/tmp/a/b/c /data/local/tmp/a && cat /data/local/tmp/a/c; rm -r /data/local/tmp/a; [ -d /data/local/tmp/a ]; echo $?; rm -f /data/local/tmp/none; echo $?; rm /data/local/tmp/none; echo $?
#----
read -r a b c; echo "[$a] [$b] [$c]"; read -r line; echo "[$line]"; read x y; echo "[$x][$y]"; read last; echo $? "[$last]"; read more; echo $? "[$more]"
#----
IFS= read -r line; echo "[$line]"; read line; echo "[$line]"; IFS= read -r line; echo "[$line]"
#----
while read -r line; do echo "got: $line"; done; echo "rest: $line"
#----
printf 'a:b:c\n' >/data/local/tmp/f; IFS=: read -r a b </data/local/tmp/f; echo "$a,$b"; IFS=: read -r a b c d </data/local/tmp/f; echo "$a,$b,$c,$d"; IFS=':' ; x=a:b::c; set -- $x; echo $# "$3" "$*"
#----
printf '  lead and trail  \n' >/data/local/tmp/f; read -r a </data/local/tmp/f; echo "[$a]"; read -r a b </data/local/tmp/f; echo "[$a][$b]"; IFS= read -r a </data/local/tmp/f; echo "[$a]"
#----
IFS=,; x='a, b,,c,'; for f in $x; do echo "[$f]"; done; unset IFS; for f in $x; do echo "[$f]"; done; IFS=' ,'; for f in $x; do echo "[$f]"; done
#----
printf '%s %d %5s|%-5s|%05d|%x|%c|%%\n' str 42 ab cd 7 255 xyz; printf '%s\n' a b c; printf '%s-%s\n' a b c; printf 'no args\n'; printf '%d\n'; printf '[%s]\n'
#----
printf '\101\t\\|\n'; printf '%b' 'x\ty\0101\n'; printf '%.2s|%3d|%+d\n' abcdef 5 5; printf '%s' ''; printf "%d %d\n" 0x1f 010; printf '\303\251\n'
#----
printf '%d\n' abc; echo $?; printf '%s\n' '%s' '\n'; printf -- 'x\n'; printf '%i %u %o %X\n' -3 3 8 255
#----
echo 'a\tb\\c'; echo -n no newline; echo; echo 'stop\chere'; echo; echo -- x; echo '\0101'
#----
[ a = a ]; echo $?; [ a = b ]; echo $?; [ a != b ]; echo $?; [ -z '' ]; echo $?; [ -n '' ]; echo $?; [ '' ]; echo $?; [ x ]; echo $?; test; echo $?; [ ]; echo $?
#----
[ ! a = b ]; echo $?; [ ! -z x ]; echo $?; [ a = a -a b = b ]; echo $?; [ a = b -o b = b ]; echo $?; [ '(' a = a ')' ]; echo $?; [ ! ]; echo $?; [ -n ]; echo $?; [ = = = ]; echo $?; [ '(' = '(' ]; echo $?; [ -f = -f ]; echo $?
#----
[ 1 -lt 2 ] && [ 2 -le 2 ] && [ 3 -gt 2 ] && [ 3 -ge 3 ] && [ 1 -ne 2 ] && [ 05 -eq 5 ] && echo all; [ -1 -lt 0 ]; echo $?; [ a -eq 1 ]; echo $?; [ a b ]; echo $?
#----
x=1 y=2; x=3 printf '%s\n' "$x"; echo $x; f() { echo "in $x"; }; x=9 f; echo $x
#----
exit 300
#----
echo before; exit 5; echo after
#----
f() { exit 6; }; (f); echo $?; f; echo never
#----
f() { return; }; false; f; echo $?; g() { false; return; }; g; echo $?; h() { return 9; echo no; }; h; echo $?
#----
# only a comment
#----

#----
echo a # comment 'with quote
echo b#notcomment; echo "#also not"; # end
#----
echo continued \
  line; echo "in \
quotes"; ec\
ho joined
#----
echo one;echo two
if true
then
  echo three
fi
{ echo four
}
#----
unset x; x=1; unset x; echo "[$x]"; f() { echo f; }; unset -f f; f 2>/dev/null; echo $?
#----
eval 'echo evaluated; x=5'; echo $x; eval "y='a b'"; echo "$y"; eval; echo $?; eval 'exit 3'
#----
command echo via; echo() { printf 'mine\n'; }; echo x; command echo theirs
#----
echo a | cat; printf '1\n2\n' | while read -r n; do echo "n$n"; done; x=1; echo 2 | read -r x; echo $x; false | true; echo $?; true | false; echo $?; ! true | false; echo $?
#----
x=5; echo "$x" '$x' \$x "\$x" "'$x'" '"$x"' "a'b" 'a"b' "\a\b" "\\" "\`"; echo \a\\b
#----
echo $ "$" a$ "$ x" '$'; echo "$?"; echo ${x}$; echo "a}b" }; echo \{ {
#----
a=1; b=$a$a; c="$b"$a'q'; d=$c' x'; echo "$b $c $d"; e=a=b=c; echo $e; f=*; echo "$f"; g="a
b"; echo "$g"; echo $g
#----
x='  a   b  '; echo $x; echo "$x"; echo "[$x]" [$x]; y=$x; echo "[$y]"; for w in $x; do echo "<$w>"; done; echo -$x-
#----
f() { case $1 in -x) shift; f "$@";; *) echo "args: $*";; esac; }; f -x -x a b
#----
if [ -n "$UNSET" ] && [ "$UNSET" = x ]; then echo a; else echo b; fi; if ! [ -f /nonexistent ]; then echo none; fi; [ -r /dev/null ] && echo readable
#----
x=a; while [ ${#x} -lt 6 ]; do x=$x$x; done; echo $x; : comment like; true ignored args; false ignored; echo $?
#----
set -- one two three four five six seven eight nine ten eleven; echo $1 ${10} ${11} $10 $#
#----
echo "$(printf 'a\n\n\n')"x; printf '%s' "$(printf ' lead\ttab ')"; echo; echo "$(cat </dev/null)empty"
#----
touched=no; true || touched=yes; echo $touched; false && touched=yes; echo $touched; { false || true; } && echo grouped; (true && false) || echo subshelled
#----
echo "$((3+4))"
#----
echo $((1/0)); echo unreachable
#----
if true; then echo open
#----
echo 'unterminated
#----
for x in a b; do echo $x; done | cat; for x in a b; do echo $x; done >/data/local/tmp/f; cat /data/local/tmp/f; if true; then echo r; fi >/dev/null; while read -r l; do echo "l=$l"; done </data/local/tmp/f
#----
export A=1 B='2 3'; echo "$A $B"; readonly C=4; echo $C
#----
echo "${#1}" ${#}; set -- abc; echo "${#1}" $#; echo "$0" >/dev/null; x=abc; echo "${#x}" "${x:+${#x}}"
#----
sh -c 'echo "$0|$1|$#"' zero 'one two' three; sh -c 'exit 3'; echo $?; sh -c ''; echo $?; sh -c 'echo "$#"'
#----
x=hidden; export y=shown; z=prefix sh -c 'echo "[$x][$y][$z]"'; sh -c 'y=changed; x=1'; echo "$x $y $z"
#----
sh -c "sh -c 'echo \"nested \$1\"' a b"; sh -c 'f() { echo in; }; f'; f 2>/dev/null || echo gone
#----
echo 'echo from stdin; exit 4' | sh; echo $?; v="a'b"; sh -c 'printf "<%s>" "$@"' x "$v" '$v' "\$v"
#----
echo 1 >/data/local/tmp/mode; chmod 644 /data/local/tmp/mode && chmod u+x,go-w /data/local/tmp/mode; echo $?; chmod 644 /data/local/tmp/none 2>/dev/null; echo $?; chmod 9 /data/local/tmp/mode 2>/dev/null; echo $?
#----
echo 'echo "in file $1"' >/data/local/tmp/s; sh /data/local/tmp/s arg; sh /data/local/tmp/none 2>/dev/null || echo missing
