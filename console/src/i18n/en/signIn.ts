export const signIn = {
  title: "Sign in",
  again: "Your session has ended",
  againWhy: "Sign in again to go on: nothing that you typed is lost.",
  byPassword: "Name and password",
  byToken: "Token",
  user: "User",
  password: "Password",
  token: "Token",
  tokenHint: "The server's admin token, or a user's token. It is kept where no script can read it.",
  submit: "Sign in",
  insecure:
    "This page was loaded without TLS, so the browser won't keep a session. Open it by https, or on the server itself by http://localhost.",
};
