import { describe, expect, it } from 'vitest'
import { readProblem } from './read-problem.ts'

describe('readProblem', () => {
  it('keeps the text before the JSON in a message, and the codes and messages in the JSON', () => {
    const inner = [
      { isValid: false, message: 'Property "x" does not exist', error: 'PROPERTY_DOESNT_EXIST', name: 'x' },
    ]
    const problem = readProblem({
      message: `Property values were not valid: ${JSON.stringify(inner)}`,
      category: 'VALIDATION_ERROR',
    })
    expect(problem.messages).toEqual(['Property values were not valid: ', 'Property "x" does not exist'])
    expect([...problem.codes].toSorted()).toEqual(['PROPERTY_DOESNT_EXIST', 'VALIDATION_ERROR'])
    expect(problem.summary).toMatch(/^PROPERTY_DOESNT_EXIST VALIDATION_ERROR: Property values were not valid/)
  })

  it('keeps a message without JSON unchanged, even if it contains brackets', () => {
    expect(readProblem({ message: 'expected { or [ here' }).messages).toEqual(['expected { or [ here'])
  })

  it('reads codes only from fields in which HubSpot writes codes', () => {
    expect(readProblem({ subCategory: 'crm.OBJECT_NOT_FOUND', firstName: 'INVALID_EMAIL' }).codes).toEqual(
      new Set(['OBJECT_NOT_FOUND']),
    )
  })
})
