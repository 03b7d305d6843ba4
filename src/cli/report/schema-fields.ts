import { stringify } from 'yaml'
import { z } from 'zod'
import { say, type Text } from '../../core/text.ts'

/** One thing that may be set. */
export interface Field {
  /** Its path: `url`, `keys[].max`, `body.json.path`. */
  readonly name: string
  /** What may stand there: `string`, `list of URL`, `cache | broker`. */
  readonly type: Text
  readonly isRequired: boolean
  /** The default as it is written in YAML; null: none. */
  readonly standard: string | null
  /** What it is for; null where the schema does not say. */
  readonly about: Text | null
}

/** A JSON schema, as zod writes it. */
type Form = z.core.JSONSchema.BaseSchema

/** The fields of a schema, those inside of mappings and lists too, as far as JSON schema can say them. */
export function fieldsOf(schema: z.ZodType): readonly Field[] {
  try {
    return fieldsIn(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), '')
  } catch {
    // A story may bring a copy of zod whose schemas ours cannot read: the rest of the story is worth telling.
    return []
  }
}

function fieldsIn(form: Form, before: string): readonly Field[] {
  const required = new Set(form.required ?? [])
  const own = Object.entries(form.properties ?? {}).flatMap(([key, property]) => {
    const name = `${before}${key}`
    const shape = formOf(property)
    return [fieldOf(name, shape, required.has(key)), ...innerOf(name, shape)]
  })
  return [...own, ...branchesOf(form).flatMap((branch) => fieldsIn(branch, before))]
}

/** What may be set inside of a value: of a mapping, of each item of a list, of each value of a record. */
function innerOf(name: string, form: Form): readonly Field[] {
  const items = formOf(form.items)
  const values = formOf(form.additionalProperties)
  return [
    ...fieldsIn(onlyProperties(form), `${name}.`),
    ...fieldsIn(onlyProperties(items), `${name}[].`),
    ...fieldsIn(onlyProperties(values), `${name}.*.`),
    ...branchesOf(form).flatMap((branch) => innerOf(name, branch)),
    ...branchesOf(items).flatMap((branch) => innerOf(`${name}[]`, branch)),
  ]
}

function onlyProperties({ properties = {}, required = [] }: Form): Form {
  return { properties, required }
}

function fieldOf(name: string, form: Form, isRequired: boolean): Field {
  const { description, default: standard } = form
  return {
    name,
    type: typeOf(form),
    isRequired,
    standard: standard === undefined ? null : written(standard),
    // A schema's own words are a template, which has a translation where the schema is ours.
    about: description === undefined ? null : { template: description, values: [] },
  }
}

function typeOf(form: Form): Text {
  if (form.title !== undefined) return form.title
  if (form.enum !== undefined) return form.enum.map(String).join(' | ')
  if (form.const !== undefined) return String(form.const)
  const branches = branchesOf(form).map(typeOf)
  if (branches.length > 0) return either(branches)
  switch (form.type) {
    case 'array':
      return form.items === undefined ? say`list` : say`list of ${typeOf(formOf(form.items))}`
    case 'object':
      return say`mapping`
    case undefined:
      return say`anything`
    default:
      return [form.type].flat().join(' | ')
  }
}

/** Literals stand side by side, as those of an enum do. */
function either(types: readonly Text[]): Text {
  const known = types.filter((type, index) => types.findIndex((one) => isSame(one, type)) === index)
  return known.reduce((before, type) => say`${before} or ${type}`)
}

const isSame = (one: Text, other: Text) => JSON.stringify(one) === JSON.stringify(other)

function branchesOf({ anyOf, oneOf, allOf }: Form): readonly Form[] {
  return [...(anyOf ?? []), ...(oneOf ?? []), ...(allOf ?? [])].map(formOf)
}

/** A part of a schema; where it is `true`, `false`, a tuple or absent, one that says nothing. */
function formOf(part: unknown): Form {
  // zod writes JSON schema, in which whatever is a single object is a schema.
  return typeof part === 'object' && part !== null && !Array.isArray(part) ? (part as Form) : {}
}

function written(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trimEnd()
}
