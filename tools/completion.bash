# SPDX-License-Identifier: Apache-2.0
# Completion of zettatwin for bash. Names of machines, models and chips are the catalog's files beside the program.

_zettatwin_names() {  # folder of the catalog
  local program share
  program=$(readlink -f "$(command -v zettatwin)") || return
  share=${ZETTATWIN_CATALOG:-${program%/bin/*}/share/zettatwin/catalog}
  find -L "$share/$1" -maxdepth 1 -name '*.yaml' 2>/dev/null | sed 's|.*/||; s|\.yaml$||'
}

_zettatwin() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]:-}
  local words=""
  if ((COMP_CWORD == 1)); then
    words="train compare faults claims collective network validate calibrate catalog --help --version"
  else
    case $previous in
      --machine) words=$(_zettatwin_names machines) ;;
      --model) words=$(_zettatwin_names models); compopt -o default ;;
      --chip) words=$(_zettatwin_names chips) ;;
      --fidelity) words="bound folded unfolded" ;;
      --op) words="all-reduce all-gather reduce-scatter all-to-all broadcast" ;;
      --algorithm) words="auto ring tree halving-doubling direct bruck hierarchical in-network" ;;
      --precision) words="bf16 fp8_block mxfp8 fp4" ;;
      --software) words="$(_zettatwin_names software)" ;;
      --plan) words="auto"; compopt -o default ;;
      --chips | --seq | --global-batch) return ;;
      --trace) compopt -o default; return ;;
      *)
        case $command in
          train | compare | faults)
            words="--machine --model --chips --plan --seq --global-batch --precision --software --fidelity --fault --json --help"
            [[ $command == faults ]] && words+=" --remaining"
            [[ $command == train ]] && words+=" --explain --trace --unfold"
            compopt -o default ;;
          collective) words="--machine --op --bytes --ranks --stride --algorithm --fidelity --fault --skew --top-k --experts --node-limit --expert-groups --plot --json --help" ;;
          calibrate) words="--chip --timings --tables --op --precision --out --plot --json --hold-out --judge --figures-of --extends --keep --source --note --help" ;;
          validate) words="--rows --set --group --json --csv --memory --html --document --fit-intervals --help" ;;
          network) words="--machine --chips --json --help" ;;
          claims) words="$(_zettatwin_names claims) --json --help" ;;
          catalog)
            if ((COMP_CWORD == 2)); then
              words="list show check schema"
            else
              words="$(_zettatwin_names machines) $(_zettatwin_names models) $(_zettatwin_names chips) $(_zettatwin_names claims)"
            fi ;;
        esac ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _zettatwin zettatwin
