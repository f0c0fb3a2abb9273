"""Prints the shell steps of one job of a CI recipe as a script: steps.py FILE [JOB]

GitHub Actions (workflows and composite actions), Forgejo Actions, GitLab CI and builds.sr.ht. A variable of the recipe keeps the
value that the environment gives it; one whose value only the CI knows has to have one there. What a step of GitHub's puts
into $GITHUB_ENV the next ones have.
"""

import shlex
import sys

import yaml

with open(sys.argv[1]) as file:
    recipe = yaml.safe_load(file)
job = sys.argv[2] if len(sys.argv) > 2 else None


def environment(variables):
    for name, value in (variables or {}).items():
        if "${{" in value or value.startswith("$"):
            print(f': "${{{name}:?the recipe has it from the CI}}"')
        else:
            print(f'[ -n "${{{name}:-}}" ] || {name}={shlex.quote(value)}')
        print(f"export {name}")


def github_steps(steps):
    print("GITHUB_ENV=$(mktemp) && export GITHUB_ENV")
    for step in steps:
        if "run" in step:
            print('while read -r variable; do export "${variable?}"; done <"$GITHUB_ENV"')
            print("(")
            environment(step.get("env"))
            print(f"{step['run']}\n)")


if "tasks" in recipe:
    print("set -e")
    environment(recipe["environment"])
    for task in recipe["tasks"]:
        for script in task.values():
            print(f"(\n{script})")
elif "runs" in recipe:
    # `shell: bash` of a composite action.
    print("set -eo pipefail")
    github_steps(recipe["runs"]["steps"])
elif "jobs" in recipe:
    # GitHub's `bash -e {0}`: a pipe has the exit code of its last command.
    print("set -e")
    environment(recipe["env"])
    environment(recipe["jobs"][job].get("env"))
    github_steps(recipe["jobs"][job]["steps"])
else:
    print("set -eo pipefail")
    environment(recipe["variables"])
    for command in recipe[job]["script"]:
        print(command)
