import { say, type Text } from 'healthz'

/** Whether the body is a refusal of one of the two products, not of a proxy before it. */
export const isRefusal = (body: string) => /unauthorized for|no permissions for/.test(body)

/**
 * Names the right that a refusal (403) asks for. Only names of actions and privileges are taken from the server's
 * words: Elasticsearch lists the privileges that would do, the first being the least; OpenSearch names the action.
 */
export function missingRight(body: string, who: Text): Text {
  const granted = /granted by the (cluster|index) privileges \[([a-z_0-9]+)/.exec(body)
  if (granted !== null) return say`${who} lacks the ${granted[1] ?? ''} privilege ${granted[2] ?? ''}`
  const action = /(?:no permissions for|action) \[([a-z_0-9:/*.]+)/i.exec(body)?.[1]
  if (action !== undefined) return say`${who} lacks the permission ${action}`
  return say`${who} may not ask this`
}
