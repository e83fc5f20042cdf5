# Bash completion for hone(1).
_hone() {
  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]-}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "learn eval play store model env method --help --version" -- "$word")
    return
  fi
  local words="--help --json"
  case $verb in
    store) ((COMP_CWORD > 2)) || words="list show export import prune verify" ;;
    model) ((COMP_CWORD > 2)) || words="list pull show export" ;;
    env | method) ((COMP_CWORD > 2)) || words="list show" ;;
    learn) words+=" --set" ;;
    eval) words+=" --seeds --set" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; compgen -f -- "$word")
}
complete -o filenames -F _hone hone
