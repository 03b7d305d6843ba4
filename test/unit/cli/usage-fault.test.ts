import { join } from 'node:path'
import { Command, Option } from 'commander'
import { expect, test } from 'vitest'
import { languageOf } from '../../../src/cli/language.ts'
import { usageFault } from '../../../src/cli/usage-fault.ts'
import { english, render } from '../../../src/core/text.ts'

const chinese = await languageOf({ LANG: 'zh_CN.UTF-8' }, join(import.meta.dirname, '../../../locales'))

test.each([
  [
    ['--onse'],
    'unknown option "--onse"; did you mean "--once"?',
    '未知的选项 "--onse"；是否想输入 "--once"？',
  ],
  [['--zzzzzz'], 'unknown option "--zzzzzz"', '未知的选项 "--zzzzzz"'],
  [['--only'], 'the option --only <names> needs a value', '选项 --only <names> 需要一个值'],
  [
    ['--format', 'xml'],
    'the option --format <format> cannot be "xml"; it is one of: text, json',
    '选项 --format <format> 不能是 "xml"，可选：text、json',
  ],
  [['approve'], 'the argument <problem> is missing', '缺少参数 <problem>'],
  [['approve', 'a', 'b'], 'too many arguments for the command "approve"', '命令 "approve" 的参数过多'],
])('%j is told in both languages', (typed, inEnglish, inChinese) => {
  const fault = faultOf(typed)
  expect(render(fault, english)).toBe(`healthz: ${inEnglish}`)
  expect(render(fault, chinese)).toBe(`healthz: ${inChinese}`)
})

function faultOf(typed: readonly string[]) {
  const program = new Command('healthz').option('--once').option('--only <names>').exitOverride()
  program.addOption(new Option('--format <format>').choices(['text', 'json']))
  program.configureOutput({ writeErr: () => {} })
  program
    .command('approve')
    .argument('<problem>')
    .allowExcessArguments(false)
    .action(() => {})
  try {
    program.parse([...typed], { from: 'user' })
  } catch (error) {
    return usageFault(error as Parameters<typeof usageFault>[0])
  }
  throw new Error('nothing was wrong')
}
