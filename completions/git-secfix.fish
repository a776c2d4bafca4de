# Completions of git-secfix for fish.
# Put this file into ~/.config/fish/conf.d/git-secfix.fish: fish looks for completions of
# `git secfix` in those of git, and would not find it anywhere else.

function __git_secfix_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    # Everything up to `secfix`, or the name of the program, stands for the program.
    while set -q words[1]; and not string match -qr '^(secfix|git-secfix)$' -- (string replace -r '.*/' '' -- $words[1])
        set -e words[1]
    end
    set -e words[1]
    COMPLETE=fish git-secfix -- git-secfix $words (commandline --current-token) 2>/dev/null
end

function __git_secfix_is_command
    contains -- secfix (commandline --current-process --tokenize --cut-at-cursor)
end

complete --command git --condition __git_secfix_is_command --keep-order --exclusive --arguments '(__git_secfix_complete)'
complete --command git --condition '__fish_git_needs_command; or not __git_secfix_is_command' --no-files --arguments secfix --description 'Security fixes'
complete --command git-secfix --keep-order --exclusive --arguments '(__git_secfix_complete)'
