import { commands, options, renderFormats, reportFormats, type Shell, shells } from './arguments.ts'

/** The formats of the commands that have `--output`. */
const formatsOf: Record<string, readonly string[]> = {
  render: renderFormats,
  validate: reportFormats,
}

const commandNames = Object.keys(commands)
const entries = Object.entries(options) as Array<
  [name: keyof typeof options, option: (typeof options)[keyof typeof options]]
>
const optionsOf = (command: string) =>
  entries.filter(
    ([, option]) => option.for.length === 0 || option.for.some((name) => name === command),
  )

const namesOf = ([name, option]: (typeof entries)[number]) => [
  `--${name}`,
  ...('short' in option ? [`-${option.short}`] : []),
]

/** The completion script for a shell. */
export const completionScript = (shell: Shell): string => ({ bash, zsh, fish })[shell]()

const wordsOf = (command: string) =>
  [
    ...(command === 'completion' ? shells : []),
    ...optionsOf(command).map(([name]) => `--${name}`),
  ].join(' ')

/** The names of the options whose value is a file. */
const fileNames = entries.filter(([, option]) => 'isFile' in option).flatMap(namesOf)

const bash = () => `# Completion for bash: eval "$(myapp-operator completion bash)"
_myapp_operator() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${commandNames.join(' ')} --help --version"
  else
    case \${COMP_WORDS[1]}:$previous in
${Object.entries(formatsOf)
  .map(
    ([command, formats]) =>
      `      ${command}:-o | ${command}:--output) words="${formats.join(' ')}" ;;`,
  )
  .join('\n')}
      *)
        case \${COMP_WORDS[1]} in
${commandNames.map((command) => `          ${command}) words="${wordsOf(command)}" ;;`).join('\n')}
        esac
        ;;
    esac
    case $previous in ${fileNames.join(' | ')}) words= ;; esac
  fi
  # bash 3.2 of macOS has no mapfile.
  COMPREPLY=()
  while read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$words" -- "$word")
}
complete -o bashdefault -o default -F _myapp_operator myapp-operator kubectl-myapp
`

/** What zsh offers for the value of an option. A space stands for nothing. */
function zshValues(command: string, [name, option]: (typeof entries)[number]) {
  if (name === 'output') return `(${formatsOf[command]?.join(' ')})`
  return 'isFile' in option ? '_files' : ' '
}

const zshOptions = (command: string) =>
  optionsOf(command).flatMap((entry) => {
    const [name, option] = entry
    return namesOf(entry).map((each) =>
      option.type === 'boolean' ? `'${each}'` : `'*${each}=:${name}:${zshValues(command, entry)}'`,
    )
  })

const zsh = () => `#compdef myapp-operator kubectl-myapp
# Completion for zsh: source <(myapp-operator completion zsh)
_myapp_operator() {
  local -a commands
  commands=(
${Object.entries(commands)
  .map(([name, what]) => `    '${name}:${what.replaceAll(':', '\\:')}'`)
  .join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${commandNames
  .map((command) => {
    const shell = command === 'completion' ? [`'1:shell:(${shells.join(' ')})'`] : []
    return `    ${command}) _arguments ${[...shell, ...zshOptions(command)].join(' ')} ;;`
  })
  .join('\n')}
  esac
}
if [ "$funcstack[1]" = _myapp_operator ]; then
  _myapp_operator "$@"
else
  compdef _myapp_operator myapp-operator kubectl-myapp
fi
`

const fish = () => `# Completion for fish: myapp-operator completion fish | source
for program in myapp-operator kubectl-myapp
${Object.entries(commands)
  .map(
    ([name, what]) => `  complete -c $program -n __fish_use_subcommand -f -a ${name} -d '${what}'`,
  )
  .join('\n')}
  complete -c $program -n '__fish_seen_subcommand_from completion' -f -a '${shells.join(' ')}'
${entries
  .map(([name, option]) => {
    const where =
      option.for.length === 0 ? '' : ` -n '__fish_seen_subcommand_from ${option.for.join(' ')}'`
    const short = 'short' in option ? ` -s ${option.short}` : ''
    // -r requires a value and offers files. -x requires a value and offers no files.
    const needed = option.type === 'boolean' ? '' : 'isFile' in option ? ' -r' : ' -x'
    return `  complete -c $program${where} -l ${name}${short}${needed}`
  })
  .join('\n')}
${Object.entries(formatsOf)
  .map(
    ([command, formats]) =>
      `  complete -c $program -n '__fish_seen_subcommand_from ${command}' ` +
      `-l output -s o -r -f -a '${formats.join(' ')}'`,
  )
  .join('\n')}
end
`
