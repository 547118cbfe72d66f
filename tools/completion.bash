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
    words="train compare serve capacity faults claims collective network validate calibrate catalog --help --version"
  else
    case $previous in
      --machine) words=$(_zettatwin_names machines) ;;
      --model) words=$(_zettatwin_names models); compopt -o default ;;
      --chip) words=$(_zettatwin_names chips) ;;
      --fidelity) words="bound folded unfolded" ;;
      --op) words="all-reduce all-gather reduce-scatter all-to-all broadcast" ;;
      --algorithm) words="auto ring tree halving-doubling direct bruck hierarchical in-network" ;;
      --precision) words="bf16 fp8_block mxfp8 fp4" ;;
      --software) if [[ $command == serve || $command == capacity ]]; then words=$(_zettatwin_names serving); else words=$(_zettatwin_names software); fi ;;
      --engine) words=$(_zettatwin_names serving) ;;
      --trace-format) words="mooncake azure servegen llmservingsim requests" ;;
      --arrivals) words="poisson gamma deterministic" ;;
      --routing) words="round_robin random least_requests least_tokens power_of_two prefix_aware spraying d-mod-k ecmp first" ;;
      --plan | --deployment) words="auto"; compopt -o default ;;
      --chips | --seq | --global-batch) return ;;
      --trace) compopt -o default; return ;;
      *)
        case $command in
          train | compare | faults)
            words="--machine --model --chips --plan --seq --global-batch --precision --software --fidelity --fault --json --help"
            [[ $command == faults ]] && words+=" --remaining"
            [[ $command == train ]] && words+=" --explain --trace --unfold"
            compopt -o default ;;
          serve | capacity)
            words="--machine --model --chips --deployment --software --trace --trace-format --speed --rate --arrivals --cv --concurrency --input-len --output-len --requests --duration --warm-up --slo --routing --failure --seed --json --help"
            [[ $command == serve ]] && words+=" --explain --timeline --timeline-instances --series --requests-csv"
            [[ $command == capacity ]] && words+=" --users --attainment --plot"
            compopt -o default ;;
          collective) words="--machine --op --bytes --ranks --stride --algorithm --fidelity --fault --skew --top-k --experts --node-limit --expert-groups --plot --json --help" ;;
          calibrate) words="--chip --machine --timings --tables --op --precision --out --plot --json --hold-out --judge --figures-of --extends --keep --source --note --help" ;;
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
