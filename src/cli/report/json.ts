import type { RunReport } from './run-report.ts'

/** The report as JSON, one document. */
export function jsonReport(report: RunReport): string {
  return `${JSON.stringify(report, null, 2)}\n`
}
