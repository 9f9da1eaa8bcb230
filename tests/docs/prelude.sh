# What the examples of a page find: commands that stand for those of other machines, and what a page
# needs beforehand. Read by bash.

# The program under test. Simulated cameras look for the page's server unless told otherwise.
fleetwright() {
    if [ "$1 $2" = "simulate cameras" ] && [[ " $* " != *" --server "* ]]; then
        set -- "$@" --server "$SIP"
    fi
    "$PROGRAM" "$@"
}

# The reader's rights are the test's own.
sudo() {
    [ "$1" != -u ] || shift 2
    "$@"
}

# A host of containers that has the phones of `containers`.
ssh() { cat "$WORK/docker-ps.txt"; }
docker() { echo "docker $*"; }

python3() { "$PYTHON" "$@"; }

# Waits until a command succeeds, for 30 seconds.
wait_until() {
    local tries=0
    until "$@" >/dev/null 2>&1; do
        ((++tries < 600)) || { echo "waited in vain: $*"; return 1; }
        sleep 0.05
    done
}

# What a Python expression makes of the JSON on stdin, which it knows as `d`.
json() { "$PYTHON" -c "import json, sys; d = json.load(sys.stdin); print($1)"; }

# PROJECT COUNT [FLAG...]: simulated phones; their records are in phones.jsonl.
phones() {
    local project=$1 count=$2
    shift 2
    # Not by the function: its shell would keep the pipe of a $(...) open.
    "$PROGRAM" simulate phones --count "$count" --project "$project" --boot 0s \
        --listen 127.0.0.1:0 --emit "$WORK/phones.jsonl" "$@" &
    wait_until test -s "$WORK/phones.jsonl"
}

# As `phones`, in this server's records and met by it.
known_phones() {
    fleetwright project list | grep -q "^$1 " || fleetwright project create Known --id "$1"
    phones "$@"
    fleetwright device import "$WORK/phones.jsonl"
    PHONE=$(head -n 1 "$WORK/phones.jsonl" | json 'd["id"]')
    wait_until runs "$PHONE"
}
runs() { [ "$(fleetwright device show "$1" --json | json 'd["condition"]')" = running ]; }

# PROJECT COUNT [FLAG...]: simulated cameras, in this server's records and registered.
known_cameras() {
    local project=$1 count=$2 file
    shift 2
    file="$WORK/cameras-$RANDOM.jsonl"
    fleetwright project list | grep -q "^$project " || fleetwright project create K --id "$project"
    fleetwright simulate cameras --count "$count" --project "$project" --emit-only \
        --emit "$file" "$@"
    fleetwright device import "$file"
    "$PROGRAM" simulate cameras --count "$count" --project "$project" --emit "$file" \
        --server "$SIP" "$@" &
    CAMERA=$(head -n 1 "$file" | json 'd["id"]')
    wait_until is_online "$CAMERA"
}
is_online() { [ "$(fleetwright device show "$1" --json | json 'd["camera"]["status"]')" = OnLine ]; }
has_channels() { [ "$(fleetwright device show "$1" --json | json 'd["camera"]["channels"]')" -ge "$2" ]; }

# Writes what `docker ps` says of the phones in phones.jsonl, published by the host 10.0.3.11.
containers() {
    {
        printf '%-14s %-9s %-9s %-9s %-9s %-26s %s\n' 'CONTAINER ID' IMAGE COMMAND CREATED STATUS \
            PORTS NAMES
        "$PYTHON" - "$WORK/phones.jsonl" <<'PYTHON'
import json, sys
for line in open(sys.argv[1]):
    phone = json.loads(line)
    ports = phone["address"].replace("127.0.0.1", "0.0.0.0") + "->5555/tcp"
    print(f'{"0123456789ab":<14} {"redroid":<9} {"/init":<9} {"2h ago":<9} {"Up 2h":<9} '
          f'{ports:<26} {phone["name"]}')
PYTHON
    } >"$WORK/docker-ps.txt"
    FIRST=$(head -n 1 "$WORK/phones.jsonl" | json 'd["address"].split(":")[1]')
}

# PROJECT DEVICE: makes an update, and prints its id; or the id of its only job.
an_update() { fleetwright update --project "$1" --device "$2" --set "$3" --json | json 'd["id"]'; }
a_job() { fleetwright update jobs "$(an_update "$@")" --json | json 'd["jobs"][0]["id"]'; }

# Runs a server of its own until it is ready, and ends it: a page's reader would leave it running.
serve_until_ready() {
    "$PROGRAM" serve "$@" --http 127.0.0.1:0 --sip none 2>"$WORK/serve.log" &
    local server=$!
    wait_until grep -q '^ready ' "$WORK/serve.log" && kill "$server" && wait "$server"
}

# The same of a demo.
demo_until_ready() {
    "$PROGRAM" demo "$@" >"$WORK/demo.jsonl" 2>"$WORK/demo.log" &
    DEMO=$!
    wait_until grep -q '^ready ' "$WORK/demo.log" && wait_until test -s "$WORK/demo.jsonl"
}
