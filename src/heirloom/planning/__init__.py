"""What a config will cost, before anything runs: arithmetic over the config, corrected by what earlier jobs took.

`models` counts a family's parameters, `work` says what each job has to do, `estimate` turns work into seconds and
megabytes, `plan` adds them up.
"""
