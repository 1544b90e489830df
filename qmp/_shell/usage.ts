/** How to type commands. */
export const LINES = `A line is one of these:

  query-status
  device_del id=nic0
  blockdev-add driver=qcow2 node-name=disk file.driver=file file.filename=x
  blockdev-add {"driver": "null-co", "size": 512} node-name=disk
  transaction( ... )     actions within, on lines of their own
  {"execute": "stop"}    any message, such as one with exec-oob
  # a comment

A value is JSON, or else a string. Where the server expects a string, it needs
no quotes. The command quit ends the server; Ctrl-D ends only the shell, and
Ctrl-C does so without waiting for a command that is not answered yet.`;

/** The answer to `--help`. */
export const USAGE = `Usage: qmp/shell.ts [OPTIONS] ADDRESS

Talks to a QMP server, such as QEMU, at unix:path, tcp://host:port or
tls://host:port. Without -c, commands are read from the terminal, or line by
line from the standard input up to the first command that fails.

  -c, --command COMMAND  execute one command and leave
  -H, --hmp              talk to QEMU's human monitor; a command fails if its
                         text says so
      --agent            talk to the guest agent, at its own socket
      --json             write whole messages, one a line, for scripts
      --[no-]pretty      write results over many lines (default: in a terminal)
  -h, --help             show this

${LINES}

The history is in ~/.local/state/parley/qmp_history, or in $XDG_STATE_HOME. A
line that may have a secret, or begins with a blank, is not kept.

Exit code: 0 done, 1 a command failed, 2 wrong usage, 3 no session came about
or it ended too early, 130 Ctrl-C, 141 the output cannot be written.`;
