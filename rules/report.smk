# Report. Needs: every file of measures that the config asks for; the sets whose images or rows are shown.
# Leaves: in the config's folder of results, metrics.parquet (tidy: experiment, variant, regime, seed, generation, metric, value),
# settings.json (which the numbers are of), metrics.json, plots/{experiment}.csv (headline numbers, for `dvc metrics` and `dvc plots`),
# {intervals,onset,attribution,theory,profile}.csv, and figures/ (SVG, PDF, PNG, CSV, captions in index.json);
# where asked for, diffs/, report.html and claims.csv.
from heirloom.artefacts import paths
from heirloom.report import diff_pages, group_table, tables, task_scores
from heirloom.report.figures import plan
from heirloom.report.page import build as page
from heirloom.report.ranking import table as rankings

SHOWN = sorted({*plan.artefacts(CONFIG).values()})
DATASETS = page.datasets(CONFIG)


rule summarise:
    """Gather all measures in one tidy table, and the last generation's headline numbers for DVC."""
    input:
        fingerprints=RUN.every_measure,
        measures=ancient(RUN.measure_files),
    output:
        metrics=RESULTS.metrics,
        digests=paths.fingerprints(*RESULTS.sealed_tables),
        settings=RESULTS.settings,
        headlines=RESULTS.headlines,
        intervals=RESULTS.intervals,
        onset=RESULTS.onset,
        attribution=RESULTS.attribution,
        theory=RESULTS.theory,
        profile=RESULTS.profile,
        plots=tables.plot_files(CONFIG),
        tasks=task_scores.files(CONFIG),
        groups=group_table.files(CONFIG),
        ranking=rankings.files(CONFIG),
    log:
        RESULTS.log("summarise"),
    benchmark:
        RESULTS.benchmark("summarise")
    params:
        code=RUN.page_code("heirloom.report.files:write"),
        settings=RUN.settings_digest,
        config_file=CONFIG_FILE,
    shell:
        "heirloom summarise --config {params.config_file:q} 2> {log}"


rule plot:
    """Draw every figure from the tidy table; images and rows of the plane, from the datasets."""
    input:
        metrics=ancient(RESULTS.metrics),
        onset=ancient(RESULTS.onset),
        shown=ancient(SHOWN),
        fingerprints=paths.fingerprints(RESULTS.metrics, RESULTS.onset, *SHOWN),
    output:
        index=RESULTS.figure_index,
        svg=[
            report(f"{RESULTS.figures}/{f.file('svg')}", **f.report_flag())
            for f in plan.figures(CONFIG)
        ],
        others=plan.files(CONFIG, "pdf", "png", "csv"),
    log:
        RESULTS.log("plot"),
    benchmark:
        RESULTS.benchmark("plot")
    params:
        code=RUN.page_code("heirloom.report.figures.draw:write"),
        regimes=sorted(CONFIG.regimes),
        shown=sorted(plan.artefacts(CONFIG)),
        config_file=CONFIG_FILE,
    shell:
        "heirloom plot --config {params.config_file:q} 2> {log}"


rule page:
    """Write the page that a person opens first, and the verdicts on the claims of the literature."""
    input:
        metrics=ancient(RESULTS.metrics),
        onset=ancient(RESULTS.onset),
        figures=ancient(RESULTS.figure_index),
        profile=ancient(RESULTS.profile),
        datasets=ancient(DATASETS),
        fingerprints=paths.fingerprints(
            RESULTS.metrics, RESULTS.onset, RESULTS.profile, *DATASETS
        ),
    output:
        page=RESULTS.page,
        claims=RESULTS.claims,
    log:
        RESULTS.log("page"),
    benchmark:
        RESULTS.benchmark("page")
    params:
        code=RUN.page_code("heirloom.report.page.build:write"),
        look=page.look(),
        config_file=CONFIG_FILE,
    shell:
        "heirloom report --config {params.config_file:q} > {log} 2>&1"


rule comparisons:
    """Gather those of the pages that compare two sets of rows."""
    input:
        RUN.every_comparison,


rule compare:
    """Say what changed between the first and the last generation of an arm, on a page that stands alone; exit code 1 is `different`."""
    input:
        datasets=ancient(RUN.compared_sets),
        fingerprints=RUN.compared_fingerprints,
    output:
        page=report(RESULTS.diff, **diff_pages.REPORT_FLAG),
    log:
        RESULTS.log("compare/{experiment}.{regime}"),
    benchmark:
        RESULTS.benchmark("compare/{experiment}.{regime}")
    params:
        code=RUN.diff_code,
    shell:
        "heirloom diff {input.datasets} --format html --output {output.page} 2> {log} || [ $? -eq 1 ]"
