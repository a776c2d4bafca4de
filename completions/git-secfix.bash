# Completions of git-secfix for bash.
# Put this file into ~/.local/share/bash-completion/completions/git-secfix, or source it.
# Git's own completion calls _git_secfix for `git secfix <TAB>`.

__git_secfix_complete() {
    local first=$1
    local words=(git-secfix "${COMP_WORDS[@]:first+1}")
    local IFS=$'\013'
    COMPREPLY=( $( \
        _CLAP_IFS="$IFS" \
        _CLAP_COMPLETE_INDEX=$((COMP_CWORD - first)) \
        _CLAP_COMPLETE_COMP_TYPE=9 \
        _CLAP_COMPLETE_SPACE=true \
        COMPLETE=bash \
        git-secfix -- "${words[@]}" 2>/dev/null \
    ) )
}

_git_secfix() {
    # The position of `secfix` on the line; git's completion counts it from 2.33 on.
    __git_secfix_complete "${__git_cmd_idx:-1}"
}

__git_secfix_alone() {
    __git_secfix_complete 0
}

complete -o bashdefault -o default -F __git_secfix_alone git-secfix
