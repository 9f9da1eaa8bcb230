import { useStore } from "../api/store";
import { useText } from "../i18n";
import { type LanguageId, language } from "../i18n/language";
import { SelectField } from "../parts/Field";
import { type Theme, theme } from "./theme";

/** The language and the appearance, which the browser keeps. */
export function Preferences() {
  const { shell } = useText();
  const chosenTheme = useStore(theme);
  const chosenLanguage = useStore(language);
  return (
    <>
      <SelectField
        label={shell.language}
        value={chosenLanguage}
        choices={[
          { value: "en", label: "English" },
          { value: "zh", label: "中文" },
        ]}
        onChange={(event) => language.set(event.target.value as LanguageId)}
      />
      <SelectField
        label={shell.theme}
        value={chosenTheme}
        choices={[
          { value: "system", label: shell.themeSystem },
          { value: "light", label: shell.themeLight },
          { value: "dark", label: shell.themeDark },
        ]}
        onChange={(event) => theme.set(event.target.value as Theme)}
      />
    </>
  );
}
