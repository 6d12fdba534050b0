"""Reads Prometheus' text format with the parser of the Python client, and prints the samples."""

import argparse
import json
import pathlib

from prometheus_client.parser import text_string_to_metric_families


def samples(family):
    for sample in family.samples:
        yield {"name": sample.name, "labels": sample.labels, "value": sample.value}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=pathlib.Path)
    content = parser.parse_args().file.read_text(encoding="utf-8")
    try:
        families = list(text_string_to_metric_families(content))
        names = [family.name for family in families]
        found = [sample for family in families for sample in samples(family)]
        series = [(sample["name"], sorted(sample["labels"].items())) for sample in found]
        # Prometheus refuses both; the parser accepts them
        if len(set(names)) != len(names):
            raise ValueError(f"the lines of a metric are separated: {names}")
        if len({repr(one) for one in series}) != len(series):
            raise ValueError("two series have the same labels")
        kinds = {family.name: family.type for family in families}
        verdict = {"ok": True, "types": kinds, "samples": found}
    except ValueError as error:
        verdict = {"ok": False, "error": str(error)}
    print(json.dumps(verdict))


if __name__ == "__main__":
    main()
