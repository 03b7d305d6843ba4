import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { nearest } from '../core/nearest.ts'
import { count, render, say, type Text } from '../core/text.ts'
import { CommandFault, type Context } from './context.ts'
import { helpIn } from './help.ts'
import type { RootOptions } from './root-options.ts'
import { usageFault } from './usage-fault.ts'

/** Runs what was typed and gives the exit code. Whatever goes wrong becomes one message, never a stack trace. */
export async function runCommand(argv: readonly string[], context: Context): Promise<number> {
  let exitCode = 0
  const program = build(context, async (work) => {
    exitCode = await work()
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    return await explain(error, program, context)
  }
}

async function explain(
  error: unknown,
  program: Command,
  { stderr, env, language }: Context,
): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    await stderr.write(`${render(usageFault(error), language)}\n`)
    return 2
  }
  if (error instanceof CommandFault) {
    await stderr.write(`${error.message}\n`)
    return error.exitCode
  }
  const trace = env['HEALTHZ_TRACE'] === '1' && error instanceof Error ? `\n${error.stack}` : ''
  const words = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
  await stderr.write(`${program.name()}: unexpected: ${words} (HEALTHZ_TRACE=1 shows where)${trace}\n`)
  return 70
}

type Act = (work: () => Promise<number>) => Promise<void>

function build(context: Context, act: Act): Command {
  const tell = (text: Text) => render(text, context.language)
  const program = new Command('healthz')
    .configureHelp(helpIn(context.language))
    .description(
      tell(say`A platform's own watchman: it checks, mends what it safely can, and tells people once.`),
    )
    .version(context.version, '-V, --version', tell(say`print the version`))
    .helpOption('-h, --help', tell(say`print this help`))
    .option(
      '-c, --config <file>',
      tell(say`the configuration (default: ./healthz.yaml, config/healthz.yaml, /etc/healthz/healthz.yaml)`),
    )
    .option(
      '-d, --daemon',
      tell(say`watch for good: tell the stories at their pace, cure, send alarms, serve HTTP`),
    )
    .option(
      '-i, --interval <seconds>',
      tell(say`the pace of stories that set none, in seconds`),
      wholeSeconds,
    )
    .option('--once', tell(say`tell every story once, cure, print the report`))
    .option('--only <names>', tell(say`only these entries, separated by commas`), list)
    .option('--tag <tags>', tell(say`only entries with one of these tags, separated by commas`), list)
    .option('--no-resolve', tell(say`look only, cure nothing`))
    .option('--dry-run', tell(say`say what would be cured, without doing it`))
    .addOption(
      new Option('--format <format>', tell(say`how to print the report`))
        .choices(['text', 'json', 'junit', 'tap'])
        .default('text'),
    )
    .option('--alarm', tell(say`with --once: also send the alarms to the channels`))
    .addOption(
      new Option('-t', 'resolve problems, as the option of the original; this is the default').hideHelp(),
    )
    .allowExcessArguments()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: () => {},
      getOutHasColors: () => context.stdout.colour,
    })
    .addHelpText('after', `\n${tell(exitCodesHelp)}`)

  const options = () => program.opts<RootOptions>()
  program.action(async () => {
    const [unknown] = program.args
    if (unknown !== undefined) throw new CommandFault(await unknownCommand(program, unknown, tell))
    const { once, daemon } = options()
    if (once && daemon) throw new CommandFault(tell(say`healthz: --once and -d exclude each other`))
    if (daemon) return act(async () => (await import('./daemon.ts')).daemon(options(), context))
    if (once) return act(async () => (await import('./once.ts')).once(options(), context))
    await context.stderr.write(program.helpInformation())
    throw new CommandFault(tell(say`healthz: say what to do: --once, -d or a command`))
  })

  const config = program.command('config').description(tell(say`check, show or describe the configuration`))
  config
    .command('check')
    .description(tell(say`check the configuration whole; nothing is started`))
    .action(() => act(async () => (await import('./config.ts')).checkConfig(options(), context)))
  config
    .command('show')
    .description(tell(say`print the effective configuration, secrets hidden`))
    .action(() => act(async () => (await import('./config.ts')).showConfig(options(), context)))
  config
    .command('schema')
    .description(tell(say`print the JSON schema of the configuration, for editors`))
    .action(() => act(async () => (await import('./config.ts')).printSchema(context)))
  program
    .command('stories')
    .argument('[name]', tell(say`a kind of story`))
    .description(tell(say`list the kinds of stories, or explain one`))
    .action((name?: string) =>
      act(async () => (await import('./stories.ts')).stories(name, options(), context)),
    )
  const create = program.command('new').description(tell(say`write something to begin with`))
  create
    .command('story')
    .argument('<name>', tell(say`what it is to be called: its folder, and its kind in the configuration`))
    .description(tell(say`write a story of your own that works, and its test`))
    .action((name: string) =>
      act(async () => (await import('./new-story.ts')).newStory(name, options(), context)),
    )
  program
    .command('test')
    .argument('[paths...]', tell(say`files, or folders with *.test.ts in them (default: your own stories)`))
    .description(tell(say`run the tests of your own stories`))
    .action((paths: string[]) => act(async () => (await import('./test.ts')).test(paths, options(), context)))
  program
    .command('status')
    .description(tell(say`print what the daemon saw last`))
    .action(() => act(async () => (await import('./status.ts')).status(options(), context)))
  const resolve = program.command('resolve').description(tell(say`cures that wait for a person's consent`))
  resolve
    .command('list')
    .description(tell(say`list the cures that wait for consent`))
    .action(() => act(async () => (await import('./resolve.ts')).listCures(options(), context)))
  resolve
    .command('approve')
    .argument('<problem>', tell(say`the problem, as the list names it`))
    .description(tell(say`let the daemon try the cure of one problem at its next round`))
    .action((problem: string) =>
      act(async () => (await import('./resolve.ts')).approveCure(problem, options(), context)),
    )
  program
    .command('ring')
    .option('-w, --watch', tell(say`draw it anew each second until interrupted`))
    .description(tell(say`print the cluster: its members, who leads, who tells what`))
    .action((own: { watch?: boolean }) =>
      act(async () => (await import('./ring.ts')).ring(own.watch === true, options(), context)),
    )
  program
    .command('resign')
    .description(tell(say`let the leader of the cluster hand over to another node`))
    .action(() => act(async () => (await import('./resign.ts')).resign(options(), context)))
  program
    .command('probe')
    .argument('[path]', tell(say`what to ask`), '/livez')
    .description(tell(say`ask the daemon on this host whether it lives; for health checks of containers`))
    .action((path: string) => act(async () => (await import('./probe.ts')).probe(path, options(), context)))
  for (const group of [config, resolve, create]) {
    group.action(async () => {
      const [unknown] = group.args
      if (unknown !== undefined) throw new CommandFault(await unknownCommand(group, unknown, tell))
      await context.stderr.write(group.helpInformation())
      const known = group.commands.map((command) => command.name())
      throw new CommandFault(tell(say`healthz: say what to do: ${known}`))
    })
  }
  for (const command of [...program.commands, ...config.commands, ...resolve.commands, ...create.commands]) {
    command
      .allowExcessArguments(command.commands.length > 0)
      .exitOverride()
      .configureOutput({ writeErr: () => {}, writeOut: (text) => void context.stdout.write(text) })
    command.helpOption('-h, --help', tell(say`print this help`))
  }
  program.helpCommand(false)
  return program
}

const exitCodesHelp = say`Exit codes of --once: 0 all is well, 1 problems remain, 2 usage or configuration, 3 nothing worse than unknown, 130 or 143 interrupted.`

async function unknownCommand(
  program: Command,
  typed: string,
  tell: (text: Text) => string,
): Promise<string> {
  const known = program.commands.map((command) => command.name())
  const near = await nearest(typed, known)
  if (near !== null) return tell(say`healthz: there is no command "${typed}"; did you mean "${near}"?`)
  return tell(
    say`healthz: there is no command "${typed}"; there are ${count(known.length, 'command')}: ${known}`,
  )
}

function list(value: string, before: readonly string[] = []): string[] {
  return [
    ...before,
    ...value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ]
}

const notSeconds = say`give whole seconds from 1 to 86400`

function wholeSeconds(value: string): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1 || number > 86_400) {
    throw new InvalidArgumentError(notSeconds.template)
  }
  return number
}
