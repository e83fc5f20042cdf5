# Bash completion for hone(1). tests/acceptance/command_line.py holds it to what `hone --help` says.

# The options of a command, as "verb" or "verb sub-verb".
_hone_options() {
  case $1 in
    learn) echo --set --fresh --dry-run --from-store --fields ;;
    eval) echo --set --seeds --tasks --run --version ;;
    play) echo --set --tasks --task --split --save ;;
    recall) echo -k --run --by --outcome --kind --env --diversity --version --embedder ;;
    "runs rm") echo --and-dependents ;;
    "store list") echo --lessons --run --env --limit ;;
    "store export") echo --out --run --format --canonical ;;
    "store weights") echo --out ;;
    "store import") echo --env ;;
    "store prune") echo --older-than --keep-best --run --dry-run ;;
    "store erase") echo --dry-run ;;
    "model pull") echo --default --force ;;
    doctor) echo --model --key-env --timeout ;;
    "") echo --version ;;
  esac
  echo --home --json --help
}

# The words that may come next: verbs, sub-verbs, names.
_hone_words() {
  case $1 in
    "") echo learn eval play runs store recall model env agent method doctor ;;
    runs) echo list show compare rm ;;
    store) echo list show export weights import merge prune verify erase ;;
    model) echo list show pull ;;
    env | agent | method) echo list show ;;
    learn | eval) echo banking77-20 banking77-77 banking77-insights desk desk-expel desk-weights gridworld gsm8k hotpot household maze own_agent own_world poke vizdoom ;;
    play) echo desk process gridworld maze household hotpot gsm8k frozenlake sokoban arithmetic countdown poke vizdoom gymnasium ;;
    "model show" | "model pull") echo smollm2-135m qwen2.5-coder-0.5b qwen2.5-coder-1.5b all-minilm-l6-v2 ;;
    "env show") echo desk process gridworld maze household hotpot gsm8k frozenlake sokoban arithmetic countdown poke vizdoom gymnasium ;;
    "agent show") echo react vote random process chat ;;
    "method show") echo expel tabular_q icm poke grpo self_imitation sft dpo exgrpo erl developmental ;;
  esac
}

_hone() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" words="" files="" i
  COMPREPLY=()
  [[ $before != "=" ]] || before=${COMP_WORDS[COMP_CWORD - 2]}  # --by=fused comes as three words
  [[ $word != "=" ]] || word=""
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      --home)
        ((++i))
        [[ ${COMP_WORDS[i]} != "=" ]] || ((++i))
        ;;
      -* | "=") ;;
      *)
        case $command in
          "") command=${COMP_WORDS[i]} ;;
          runs | store | model | env | agent | method) command+=" ${COMP_WORDS[i]}" ;;
        esac
        ;;
    esac
  done
  case $before in
    --home) files=-d ;;
    --out | --save) files=-f ;;
    --split) words="train validation test" ;;
    --by) words="fused dense text" ;;
    --outcome) words="solved failed" ;;
    --embedder) words="all-minilm-l6-v2" ;;
    --from-store) words="all" ;;
    --env) [[ $command == "store import" ]] || words="desk process gridworld maze household hotpot gsm8k frozenlake sokoban arithmetic countdown poke vizdoom gymnasium" ;;
    --set | --seeds | --tasks | --task | --version | -k | --run | --kind | --diversity | --limit | --older-than | --keep-best | --model | --key-env) [[ -n $command ]] || return ;;
    *)
      words=$(_hone_words "$command")
      case $command in
        learn | eval) files=recipes ;;
        "store import" | "store merge") files=-f ;;
      esac
      if [[ $word == -* || -z $words$files ]]; then
        words=$(_hone_options "$command")
        files=""
      fi
      ;;
  esac
  mapfile -t COMPREPLY < <(
    [[ -z $words ]] || compgen -W "$words" -- "$word"
    case $files in
      recipes) compgen -G "$word*.y*ml"; compgen -d -- "$word" ;;
      ?*) compgen "$files" -- "$word" ;;
    esac
  )
  [[ -z $files ]] || compopt -o filenames 2>/dev/null  # fails outside of a completion, as in the test
  return 0
}
complete -F _hone hone
