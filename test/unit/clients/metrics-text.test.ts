import { expect, test } from 'vitest'
import { parseMetrics } from '../../../src/clients/metrics-text.ts'

test('samples are read with their labels, in any of the ways that a number is written', () => {
  const page = `# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by {zero}"} +Inf -3982045
nothing NaN
less{} -1
  foo_bucket{le="0.1"} 8 # {trace_id="KOO5S4vxi0o"} 0.067
# EOF
`
  expect(parseMetrics(page)).toEqual([
    { name: 'http_requests_total', labels: { method: 'post', code: '200' }, value: 1027 },
    {
      name: 'msdos_file_access_time_seconds',
      labels: { path: 'C:\\DIR\\FILE.TXT', error: 'Cannot find file:\n"FILE.TXT"' },
      value: 1_458_255_915,
    },
    { name: 'metric_without_timestamp_and_labels', labels: {}, value: 12.47 },
    { name: 'something_weird', labels: { problem: 'division by {zero}' }, value: Number.POSITIVE_INFINITY },
    { name: 'nothing', labels: {}, value: Number.NaN },
    { name: 'less', labels: {}, value: -1 },
    { name: 'foo_bucket', labels: { le: '0.1' }, value: 8 },
  ])
})

test.each(['<html>\n<body>', 'a{b="c"', 'a 1\nb', 'a one', '{"a":1}'])(
  '"%s" is no page of metrics',
  (page) => {
    expect(parseMetrics(page)).toBeNull()
  },
)

test('an empty page has no samples', () => {
  expect(parseMetrics('\n# EOF\n')).toEqual([])
})
