# A machine with a systemd of its own over this one's files. Everything that it writes goes into memory and ends with it; its
# mounts are in a namespace of their own, which ends with the last of its processes.
# Arguments: a folder of its own, its name. Answers a TERM by switching the machine off.
set -eu
folder=$1
name=$2

control_groups() {
    if [ -e /sys/fs/cgroup/cgroup.procs ]; then
        echo "/sys/fs/cgroup/$name"
    else
        for hierarchy in systemd unified; do
            [ ! -d "/sys/fs/cgroup/$hierarchy" ] || echo "/sys/fs/cgroup/$hierarchy/$name"
        done
    fi
}

# A control group of its own, or two machines would have the same units in the same groups.
enter() {
    for group in $(control_groups); do
        mkdir "$group"
        echo $$ >"$group/cgroup.procs"
    done
}

leave() {
    for group in $(control_groups); do
        echo $$ >"$(dirname "$group")/cgroup.procs"
        find "$group" -depth -type d -exec rmdir {} \;
    done
}

mkdir "$folder/disk"
mount -t tmpfs -o mode=755 tmpfs "$folder/disk"
mkdir "$folder/disk/upper" "$folder/disk/work" "$folder/disk/root"
root=$folder/disk/root
mount -t overlay -o "lowerdir=/,upperdir=$folder/disk/upper,workdir=$folder/disk/work" overlay "$root"

# Services may be started there, as on a machine that somebody uses, but none of this machine's own.
rm -f "$root/usr/sbin/policy-rc.d"
ln -sf /dev/null "$root/etc/systemd/system/timers.target"

enter
systemd-nspawn --quiet --directory="$root" --machine="$name" --hostname=machine --register=no --keep-unit \
    --console=pipe --resolv-conf=off --timezone=off --link-journal=no --boot -- --unit=basic.target </dev/null &
machine=$!
trap 'kill -TERM "$machine"' TERM
echo "$machine" >"$folder/started.new"
mv "$folder/started.new" "$folder/started"
# A wait that a signal ends early has not seen the machine's end.
while kill -0 "$machine" 2>/dev/null; do wait "$machine" || true; done
leave
