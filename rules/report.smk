# Report. Needs: every file of measures that the config asks for; the sets whose images or rows are shown.
# Leaves: results/metrics.parquet (tidy: experiment, variant, regime, seed, generation, metric, value), results/metrics.json and
# results/plots/{experiment}.csv (headline numbers, for `dvc metrics` and `dvc plots`), results/{intervals,onset,attribution,theory}.csv, and
# results/figures/ (each figure as SVG, PDF, PNG and the numbers behind as CSV, captions in index.json); where asked for, results/diffs/,
# results/report.html and claims.csv. `snakemake --report results/snakemake-report.html` shows the same figures.
from heirloom import codehash, paths, results
from heirloom.report import diff_pages, expected, tables
from heirloom.report.figures import plan
from heirloom.report.page import build as page


rule summarise:
    """Gather all measures in one tidy table, and the last generation's headline numbers for DVC."""
    input:
        fingerprints=RUN.every_measure,
        measures=ancient(RUN.measure_files),
    output:
        metrics=results.METRICS,
        fingerprint=paths.fingerprint(results.METRICS),
        headlines=results.HEADLINES_FILE,
        intervals=results.INTERVALS,
        onset=results.ONSET,
        onset_digest=paths.fingerprint(results.ONSET),
        attribution=results.ATTRIBUTION,
        theory=results.THEORY,
        theory_digest=paths.fingerprint(results.THEORY),
        plots=tables.plot_files(CONFIG),
    log:
        "logs/summarise.log",
    benchmark:
        "logs/benchmarks/summarise.jsonl"
    params:
        code=codehash.digest("heirloom.report.files:write", *expected.entries(CONFIG)),
        config_file=CONFIG_FILE,
    shell:
        "heirloom summarise --config {params.config_file:q} 2> {log}"


rule plot:
    """Draw every figure from the tidy table; images and rows of the plane, from the datasets."""
    input:
        metrics=ancient(results.METRICS),
        onset=ancient(results.ONSET),
        shown=ancient(sorted({*plan.artefacts(CONFIG).values()})),
        fingerprints=[
            paths.fingerprint(p)
            for p in (
                results.METRICS,
                results.ONSET,
                *{*plan.artefacts(CONFIG).values()},
            )
        ],
    output:
        index=plan.INDEX,
        svg=[report(f.file("svg"), **f.report_flag()) for f in plan.figures(CONFIG)],
        others=plan.files(CONFIG, "pdf", "png", "csv"),
    log:
        "logs/plot.log",
    benchmark:
        "logs/benchmarks/plot.jsonl"
    params:
        code=codehash.digest(
            "heirloom.report.figures.draw:write", *expected.entries(CONFIG)
        ),
        regimes=sorted(CONFIG.regimes),
        shown=sorted(plan.artefacts(CONFIG)),
        config_file=CONFIG_FILE,
    shell:
        "heirloom plot --config {params.config_file:q} 2> {log}"


rule page:
    """Write the page that a person opens first, and the verdicts on the claims of the literature."""
    input:
        metrics=ancient(results.METRICS),
        onset=ancient(results.ONSET),
        figures=ancient(plan.INDEX),
        datasets=ancient(page.datasets(CONFIG)),
        fingerprints=[
            paths.fingerprint(p)
            for p in (results.METRICS, results.ONSET, *page.datasets(CONFIG))
        ],
    output:
        page=page.PAGE,
        claims=page.CLAIMS,
    log:
        "logs/page.log",
    benchmark:
        "logs/benchmarks/page.jsonl"
    params:
        code=codehash.digest(
            "heirloom.report.page.build:write", *expected.entries(CONFIG)
        ),
        look=page.look(),
        config_file=CONFIG_FILE,
    shell:
        "heirloom report --config {params.config_file:q} > {log} 2>&1"


rule compare:
    """Say what changed between the first and the last generation of an arm, on a page that stands alone; exit code 1 is `different`."""
    input:
        datasets=ancient(RUN.compared),
        fingerprints=RUN.compared_fingerprints,
    output:
        page=report(
            diff_pages.PAGE,
            caption="../docs/report/diff.rst",
            category="{experiment}",
            labels={"figure": "diff of {regime}"},
        ),
    log:
        "logs/compare/{experiment}_{regime}.log",
    benchmark:
        "logs/benchmarks/compare/{experiment}_{regime}.jsonl"
    params:
        code=codehash.digest(
            "heirloom.diffs.engine:diff", "heirloom.diffs.render.html:write"
        ),
    shell:
        "heirloom diff {input.datasets} --format html --output {output.page} 2> {log} || [ $? -eq 1 ]"
