// `baton completion SHELL`: what a shell needs to complete commands and options, printed from the commands themselves.

import type { Command } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

interface Node {
  /** As typed, without the program: `runs show`. */
  readonly path: string;
  readonly words: readonly string[];
  readonly about: ReadonlyMap<string, string>;
}

/** A script for the shell to read: `source <(baton completion bash)`. */
export function completion(program: Command, shell: Shell): string {
  const nodes = nodesOf(program, "");
  if (shell === "fish") return fish(nodes);
  const bash = bashScript(nodes);
  return shell === "bash" ? bash : `autoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

function nodesOf(command: Command, path: string): Node[] {
  const about = new Map<string, string>();
  for (const sub of command.commands) about.set(sub.name(), sub.description());
  for (const option of command.options) if (option.long) about.set(option.long, option.description);
  const below = command.commands.flatMap((sub) => nodesOf(sub, path === "" ? sub.name() : `${path} ${sub.name()}`));
  return [{ path, words: [...about.keys()], about }, ...below];
}

function bashScript(nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`);
  return `_baton() {
  local words word path="" current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) continue ;; esac
    case " ${nodes.map(({ path }) => path.replaceAll(" ", "/")).join(" ")} " in
      *" \${path:+$path/}$word "*) path="\${path:+$path/}$word" ;;
    esac
  done
  case "\${path//\\// }" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _baton baton batonflow
`;
}

function fish(nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, about }) =>
    [...about].map(([word, meaning]) => {
      const condition =
        path === ""
          ? "__fish_use_subcommand"
          : path
              .split(" ")
              .map((part) => `__fish_seen_subcommand_from ${part}`)
              .join("; and ");
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${word}`;
      return `complete -c baton -n '${condition}' ${what} -d '${meaning.replaceAll("'", "")}'`;
    }),
  );
  return `${lines.join("\n")}\n`;
}
