#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The files of monitoring/ are right: promtool takes the alerts and their tests, every query of the
dashboard parses, and every metric that either names is one that the programs write.

Usage: monitoring_test.py ROOT
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

METRIC = re.compile(r"\bsluice_[a-z_]+\b")
# Grafana fills these in before Prometheus sees a query.
GRAFANA = {"$__rate_interval": "1m", "$model": ".*", "$gateway": ".*"}


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def written_by_the_programs(root):
    names = set()
    for room in ("gateway", "sync", "hub", "http"):
        for source in (root / room).rglob("*.cpp"):
            names.update(re.findall(r'"(sluice_[a-z_]+)"', source.read_text()))
    return names


def expressions(dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def check_dashboard(root):
    dashboard = json.loads((root / "monitoring/grafana-dashboard.json").read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(ids) != len(set(ids)):
        sys.exit("grafana-dashboard.json: two panels have one id")
    # promtool has no way to parse a single query: a rule file with each of them does.
    rules = []
    for title, text in expressions(dashboard):
        for name, value in GRAFANA.items():
            text = text.replace(name, value)
        rules.append({"record": "a:b", "expr": text, "labels": {"panel": title}})
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "queries.json"  # JSON is YAML
        groups = [{"name": str(i), "rules": [rule]} for i, rule in enumerate(rules)]
        file.write_text(json.dumps({"groups": groups}))
        run(folder, "promtool", "check", "rules", "--lint=none", str(file))
    return len(rules)


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    folder = root / "monitoring"
    run(folder, "promtool", "check", "rules", "alerts.yml")
    run(folder, "promtool", "test", "rules", "alerts_test.yml")
    queries = check_dashboard(root)
    known = written_by_the_programs(root)
    unknown = set()
    for file in ("alerts.yml", "grafana-dashboard.json"):
        used = set(METRIC.findall((folder / file).read_text()))
        unknown |= {f"{file}: {name}" for name in used - known}
    if unknown:
        sys.exit("no program writes these metrics:\n" + "\n".join(sorted(unknown)))
    print(f"alerts and {queries} queries of the dashboard are right")


if __name__ == "__main__":
    main()
