package oauth

import (
	"html/template"
	"net/http"

	"golang.org/x/text/language"
)

// said is a page's words in one language.
type said struct{ Title, Text string }

// pages are the words of every page: in Japanese, and in English.
var pages = map[string]struct {
	status int
	ja, en said
}{
	"installed": {http.StatusOK,
		said{"インストールできました", "Slack に戻り、お客様の会話を受け取るチャンネルにアプリを招待してください（/invite）。続きの設定はアプリのホームタブにあります。"},
		said{"Installed", "Go back to Slack and invite the app to the channel that is to receive customers' conversations (/invite). The rest is set up on the app's Home tab."}},
	"cancelled": {http.StatusOK,
		said{"インストールしませんでした", "キャンセルされたため、何も変わっていません。"},
		said{"Not installed", "It was cancelled. Nothing has changed."}},
	"not_open": {http.StatusForbidden,
		said{"インストールを受け付けていません", "管理者が SLACK_ALLOWED_WORKSPACES に許可するワークスペースを設定すると、インストールできるようになります。"},
		said{"Installation is not open", "It opens when the administrator sets SLACK_ALLOWED_WORKSPACES to the workspaces that may install the app."}},
	"not_allowed": {http.StatusForbidden,
		said{"このワークスペースは許可されていません", "インストールは取り消しました。管理者に、SLACK_ALLOWED_WORKSPACES へのこのワークスペースの追加を依頼してください。"},
		said{"This workspace is not allowed", "The installation was taken back. Ask the administrator to add this workspace to SLACK_ALLOWED_WORKSPACES."}},
	"forged": {http.StatusBadRequest,
		said{"この画面からは続けられません", "インストールを始めたブラウザーで、もう一度最初から行ってください。"},
		said{"It cannot go on from here", "Start the installation again, in the browser that you go on with."}},
	"expired": {http.StatusBadRequest,
		said{"有効期限が切れました", "もう一度最初から行ってください。"},
		said{"This took too long", "Start the installation again."}},
	"used": {http.StatusBadRequest,
		said{"このリンクは使用済みです", "インストールされていない場合は、もう一度最初から行ってください。"},
		said{"This link was used already", "If the app is not installed, start the installation again."}},
	"refused": {http.StatusBadGateway,
		said{"Slack がインストールを拒否しました", "もう一度最初から行ってください。続く場合は、管理者に SLACK_CLIENT_ID、SLACK_CLIENT_SECRET、SLACK_REDIRECT_URL の確認を依頼してください。"},
		said{"Slack refused the installation", "Start it again. If that does not help, ask the administrator to check SLACK_CLIENT_ID, SLACK_CLIENT_SECRET and SLACK_REDIRECT_URL."}},
	"broken": {http.StatusServiceUnavailable,
		said{"いまはインストールできません", "しばらくしてから、もう一度最初から行ってください。"},
		said{"It cannot be installed right now", "Start it again in a moment."}},
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.First.Title}}</title>
<style>body{font-family:system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1.5rem;line-height:1.7;color:#1d1c1d}h1{font-size:1.4rem}hr{border:0;border-top:1px solid #ddd;margin:2rem 0}.other{color:#616061;font-size:.9rem}code{background:#f4f4f4;padding:.1em .3em}</style>
</head><body><h1>{{.First.Title}}</h1><p>{{.First.Text}}</p>{{with .Detail}}<p><code>{{.}}</code></p>{{end}}<hr><div class="other" lang="{{.OtherLang}}"><strong>{{.Second.Title}}</strong><p>{{.Second.Text}}</p></div></body></html>
`))

var languages = language.NewMatcher([]language.Tag{language.Japanese, language.English})

// show answers the page named name, in the language that the browser asks for first, and the other one below.
func show(w http.ResponseWriter, r *http.Request, name, detail string) {
	p := pages[name]
	data := struct {
		Lang, OtherLang, Detail string
		First, Second           said
	}{"ja", "en", detail, p.ja, p.en}
	wanted, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if _, i, _ := languages.Match(wanted...); i == 1 {
		data.Lang, data.OtherLang, data.First, data.Second = "en", "ja", p.en, p.ja
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(p.status)
	_ = page.Execute(w, data) // a browser that went away needs no page
}
