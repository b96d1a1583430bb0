import js from '@eslint/js';
import globals from 'globals';

export default [
  js.configs.recommended,
  { languageOptions: { globals: globals.node }, linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { files: ['**/*.js', '**/*.cjs'], languageOptions: { sourceType: 'commonjs' } },
  { files: ['test/projects/vitest*/**'], languageOptions: { sourceType: 'module' } },
  { files: ['test/projects/{jest*,mocha}/**'], languageOptions: { globals: { ...globals.jest, ...globals.mocha } } },
];
