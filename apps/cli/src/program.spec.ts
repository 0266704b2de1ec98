import { describe, expect, it } from '@jest/globals';
import { createProgram } from './program.js';

describe('the command line', () => {
  it.each(createProgram().commands.map((command) => [command.name(), command] as const))('%s documents itself', (_name, command) => {
    let help = '';
    command.configureOutput({ writeOut: (text) => void (help += text) });
    command.outputHelp();
    expect(command.description()).not.toBe('');
    expect(help).toMatch(/Example:\n {2}\$ granary /);
    expect(help).toContain('--json');
    for (const option of command.options) expect([option.long, option.description]).not.toContain('');
  });
});
