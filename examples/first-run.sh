#!/bin/sh
# Installs git-secfix from this checkout and shows it working, on a throw-away pair of projects
# that a stub of ssh serves from a temporary folder. Needs Rust, a C compiler and git; asks no
# network but the package registry. Nothing outside of the installation is changed.
#
#   sh examples/first-run.sh            install to cargo's usual place
#   PREFIX=DIR sh examples/first-run.sh install to DIR/bin
#
# INSTALL_OPTIONS are passed on to `cargo install`, such as `--debug` for a quick look.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
prefix=${PREFIX:-${CARGO_HOME:-$HOME/.cargo}}
# Words on purpose: these are options.
# shellcheck disable=SC2086
cargo install --locked --quiet --force --path "$here" --root "$prefix" ${INSTALL_OPTIONS:-}

world=$(mktemp -d)
trap 'rm -rf "$world"' EXIT
PATH="$world:$prefix/bin:$PATH"
HOME=$world
GIT_CONFIG_NOSYSTEM=1
GIT_AUTHOR_NAME='A Person' GIT_AUTHOR_EMAIL=person@example.com
GIT_COMMITTER_NAME='A Person' GIT_COMMITTER_EMAIL=person@example.com
export PATH HOME GIT_CONFIG_NOSYSTEM GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
unset XDG_CONFIG_HOME GIT_DIR GIT_SSH GIT_SSH_COMMAND 2>/dev/null || true

# Stands for gitlab.com: runs what git asks of the server on a folder of this machine.
cat >"$world/ssh" <<EOT
#!/bin/sh
for word in "\$@"; do last=\$word; done
path=\${last#* \'}; path=\${path%\'}
exec "\${last%% *}" "$world/\${path#/}"
EOT
chmod +x "$world/ssh"

canonical=gitlab-org/modelops/applied-ml/code-suggestions/ai-assist.git
security=gitlab-org/security/modelops/applied-ml/code-suggestions/ai-assist.git
git init --quiet --bare --initial-branch=main "$world/$canonical"
git init --quiet --initial-branch=main "$world/seed"
cd "$world/seed"
echo 'print(prompt)' >app.py
git add app.py
git commit --quiet --message 'Add the gateway'
git branch stable-18-4-ee
git branch stable-18-3-ee
git push --quiet "$world/$canonical" --all
mkdir -p "$world/gitlab-org/security/modelops/applied-ml/code-suggestions"
git clone --quiet --bare "$world/$canonical" "$world/$security"
git clone --quiet "git@gitlab.com:$canonical" "$world/clone"
cd "$world/clone"

show() {
  printf '\n$ %s\n' "$*"
  "$@" || printf '(ended with %s)\n' "$?"
}

show git secfix init
show git secfix branch prompt-injection --backport 18-4 --backport 18-3
echo 'print(escaped(prompt))' >app.py
show git commit --quiet --all --message 'Escape the prompt'
show git push origin HEAD
show git secfix guard check /srv/my-fork.git
show git secfix backport
show git secfix push
show git secfix doctor

# What the show was about: the public project has nothing of the fix.
if git -C "$world/$canonical" for-each-ref | grep -q security-; then
  echo 'the fix leaked into the public project' >&2
  exit 1
fi
if ! git -C "$world/$security" for-each-ref | grep -q security-prompt-injection-18-3; then
  echo 'the fix did not reach the security project' >&2
  exit 1
fi
printf '\nThe fix is in the security project, and nothing of it is in the public one.\n'
printf 'Installed to %s/bin. In a clone of yours: git secfix init\n' "$prefix"
