# SPDX-License-Identifier: Apache-2.0
"""One table for Sluice and its peers: the same disk, the same cut, the same load. See docs/peers.md.
Started by peers.sh, in a mount namespace of its own."""

import argparse
import json
import os
import sys

import mosquitto_peer
import nats_peer
import rig
import rsyslog_peer
import sluice_peer

AFTER = 200  # messages acknowledged after the restart: what becomes of them is counted apart


def rows():
    """(name, what an acknowledgement is and where the messages are counted, maker of a peer)"""
    debian = "nats-server"
    newest = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")),
                          "sluice/bin/nats-server")
    out = [(f"sluice {sluice_peer.version()}", "answer; log",
            lambda disk, folder: sluice_peer.Sluice(disk, folder))]
    for word, link in (("link down", False), ("link up", True)):
        out.append((f"sluice {sluice_peer.version()} with uplink, {word}", "answer; hub",
                    lambda disk, folder, link=link: sluice_peer.Uplinked(disk, folder, debian, link)))
    servers = [(debian, "nats-default.conf", "defaults")]
    if os.path.exists(newest):
        servers += [(newest, "nats-default.conf", "defaults"),
                    (newest, "nats-safest.conf", "sync_interval: always")]
    else:
        print(f"!!! NOT RUN: the newest nats-server; {newest} is missing (scripts/test.sh builds it)",
              file=sys.stderr)
    for binary, config, words in servers:
        name = f"nats-server {nats_peer.version(binary)}"
        out.append((f"{name}, {words}", "PubAck; stream",
                    lambda disk, folder, b=binary, c=config: nats_peer.Nats(b, c, disk, folder)))
        for word, link in (("link down", False), ("link up", True)):
            out.append((f"{name} leaf, {words}, {word}", "PubAck of the leaf; sourcing hub",
                        lambda disk, folder, b=binary, c=config, l=link:
                        nats_peer.Leaf(b, c, disk, folder, l)))
    mosquitto = f"mosquitto {mosquitto_peer.version()}"
    rsyslog = f"rsyslog {rsyslog_peer.version()}"
    for name, config, words, made in (
            (mosquitto, "mosquitto-default.conf", "persistence", mosquitto_peer.Mosquitto),
            (mosquitto, "mosquitto-safest.conf", "autosave on each change", mosquitto_peer.Mosquitto),
            (rsyslog, "rsyslog-default.conf", "disk-assisted queue", rsyslog_peer.Rsyslog),
            (rsyslog, "rsyslog-safest.conf", "disk queue, each synced", rsyslog_peer.Rsyslog)):
        ack = "PUBACK; later subscriber" if name == mosquitto else "RELP answer; RELP receiver"
        out.append((f"{name}, {words}", ack,
                    lambda disk, folder, c=config, m=made: m(c, disk, folder)))
    return out


def one_run(make, arguments):
    """Load, cut, restart, a little more load, and the comparison."""
    with rig.scratch() as folder:
        disk = rig.Disk(folder)
        peer = make(disk, folder)
        result = {"reopened": False, "acked": 0, "lost": 0, "doubled": 0, "out_of_order": 0,
                  "lost_later": 0, "words": ""}
        acked = []
        try:
            peer.start()
            peer.before_load()
            client = peer.client()
            acked, next_number = rig.load(client, 1, arguments.rate, seconds=arguments.seconds)
            disk.cut()  # no answer counts from here on
            client.close()
            peer.kill()
            disk.mount_again()
            result.update(acked=len(acked), lost=len(acked))
            peer.start()
            peer.after_cut()
            client = peer.client()
            after, _ = rig.load(client, next_number + 1000, 200, count=AFTER)
            client.close()
            found = peer.found(set(acked) | set(after))
            result.update(rig.compare(acked, found))
            result["lost_later"] = len(set(after) - set(found))
            result["reopened"] = True
        except (OSError, RuntimeError, TimeoutError) as problem:
            result["words"] = f"{type(problem).__name__}: {problem}"
        finally:
            peer.stop_all()
            disk.unmount()
        return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", default="")
    arguments = parser.parse_args()
    print(f"{arguments.runs} cuts each after {arguments.seconds:g} s of load: {arguments.rate} messages "
          "of 200 bytes a second, at most 32 unanswered\n")
    print("| system | acknowledged by; counted at | runs | acked | lost | doubled | out of order "
          f"| opens again | lost later, of {AFTER * arguments.runs:,} |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for name, ack, make in rows():
        if arguments.only not in name:
            continue
        runs = [one_run(make, arguments) for _ in range(arguments.runs)]
        total = {key: sum(run[key] for run in runs)
                 for key in ("acked", "lost", "doubled", "out_of_order", "lost_later")}
        opened = sum(run["reopened"] for run in runs)
        print(f"| {name} | {ack} | {len(runs)} | {total['acked']:,} | {total['lost']:,} "
              f"| {total['doubled']:,} | {total['out_of_order']:,} "
              f"| {'yes' if opened == len(runs) else f'{opened} of {len(runs)}'} "
              f"| {total['lost_later']:,} |", flush=True)
        for run in runs:
            if run["words"]:
                print(f"    {name}: {run['words']}", file=sys.stderr)
        if arguments.json:
            with open(arguments.json, "a") as file:
                file.write(json.dumps({"fault": "power cut: " + name, "runs": len(runs), **total,
                                       "reopened": opened == len(runs)}) + "\n")


if __name__ == "__main__":
    main()
