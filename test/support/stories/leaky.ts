import { DidNotHelp, defineStory, say, secret, z } from 'healthz'

/** A careless story: whatever it says holds its password. */
export default defineStory({
  title: say`Leaky`,
  options: z.strictObject({ password: secret() }),
  steps: {
    throws: {
      title: say`it throws`,
      check({ options }) {
        throw new Error(`no login as u:${options.password.reveal()}`)
      },
    },
    tells: {
      title: say`it tells`,
      check({ options, note, problem }) {
        const password = options.password.reveal()
        note(say`logged in as ${password}`)
        problem({
          key: 'told',
          severity: 'critical',
          summary: `the login redis://u:${encodeURIComponent(password)}@h fails`,
          advice: say`try ${password} again`,
          evidence: { header: `Basic ${Buffer.from(`u:${password}`).toString('base64')}` },
          resolve: {
            title: say`log in with ${password}`,
            consent: 'auto',
            within: 1000,
            run() {
              throw new DidNotHelp(say`${password} is wrong`)
            },
          },
        })
      },
    },
  },
})
