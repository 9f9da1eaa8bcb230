export const signIn = {
  title: "登录",
  again: "会话已结束",
  againWhy: "重新登录即可继续，已输入的内容不会丢失。",
  byPassword: "用户名和密码",
  byToken: "令牌",
  user: "用户名",
  password: "密码",
  token: "令牌",
  tokenHint: "服务器管理员令牌或用户令牌，保存在脚本无法读取的地方。",
  submit: "登录",
  insecure:
    "此页面未通过 TLS 加载，浏览器不会保存会话。请用 https 打开，或在服务器本机用 http://localhost 打开。",
};
