import type { Reporter, TestModule } from 'vitest/node'
import type {} from '../needs.ts' // the type of meta().leftOut

/** Says at the very end which suites `describeWith` left out and why; nothing if it left out none. */
export default class LeftOut implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) => {
      const suites = [...module.children.allSuites()]
      return suites.flatMap((suite) => {
        const { leftOut } = suite.meta()
        return leftOut ? [`  ${module.relativeModuleId} > ${suite.fullName}: ${leftOut}`] : []
      })
    })
    if (lines.length > 0) console.log(`\nLeft out, not tested:\n${[...new Set(lines)].join('\n')}\n`)
  }
}
